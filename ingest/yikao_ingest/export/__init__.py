"""Readings as open data: CSV, NDJSON and Parquet that any program can read without us."""
