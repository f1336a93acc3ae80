-- Long messages come packed (packed.py): to try it once more would only cost time.
ALTER TABLE ingest_message ALTER COLUMN payload SET STORAGE EXTERNAL;
