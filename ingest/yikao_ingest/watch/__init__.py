"""The watchdog: a process of its own that proves the way from a reading to a page, each minute."""
