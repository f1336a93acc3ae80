"""The kernel of Yikao: what a device says and what we call it. No I/O, no clock, no log."""
