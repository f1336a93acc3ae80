-- The outbox of a gateway. Times are Unix seconds, except those that enter a reading's id.

CREATE TABLE IF NOT EXISTS item (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    reading_id    BLOB    NOT NULL UNIQUE,
    kind          TEXT    NOT NULL,
    payload       BLOB    NOT NULL,
    crc           INTEGER NOT NULL,
    captured_at   REAL    NOT NULL,
    state         TEXT    NOT NULL DEFAULT 'open'
                  CHECK (state IN ('open', 'stored', 'rejected', 'damaged')),
    code          TEXT,
    first_sent_at REAL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    receipt_at    REAL
);
CREATE INDEX IF NOT EXISTS item_open ON item (seq) WHERE state = 'open';
CREATE INDEX IF NOT EXISTS item_receipt ON item (receipt_at) WHERE receipt_at IS NOT NULL;

-- Frames that are stored but not yet part of an item: a result that waits for its context.
CREATE TABLE IF NOT EXISTS frame (
    id              INTEGER PRIMARY KEY,
    session         TEXT    NOT NULL,
    device          TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    characteristic  INTEGER NOT NULL,
    bytes           BLOB    NOT NULL,
    arrived_at      TEXT    NOT NULL,
    device_offset_s REAL
);
CREATE INDEX IF NOT EXISTS frame_session ON frame (session, id);

CREATE TABLE IF NOT EXISTS device (
    address     TEXT PRIMARY KEY,
    model       TEXT NOT NULL,
    identity    TEXT NOT NULL DEFAULT '{}',
    next_record INTEGER,
    problem     TEXT,
    battery_low INTEGER NOT NULL DEFAULT 0,
    last_seen   REAL
);

CREATE TABLE IF NOT EXISTS meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
