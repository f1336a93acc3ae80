"""Readings from files that other apps export, or that somebody typed into a table."""
