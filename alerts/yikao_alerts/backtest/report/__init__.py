"""The report of a back-test: one page to look at, send and print."""
