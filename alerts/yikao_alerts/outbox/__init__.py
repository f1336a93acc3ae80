"""The pager's outbox: what is sent next, in which message, and what becomes of each page."""
