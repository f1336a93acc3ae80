-- What was measured just now goes before the backlog, and the backlog in the order of measuring.
ALTER TABLE item ADD COLUMN measured_at REAL NOT NULL DEFAULT 0;
UPDATE item SET measured_at = captured_at;
DROP INDEX IF EXISTS item_open;
CREATE INDEX item_waiting ON item (measured_at) WHERE state = 'open';
-- Items that the disk has changed, and nobody was told of yet.
CREATE INDEX item_damaged ON item (seq) WHERE state = 'damaged' AND code IS NULL;
-- Null in frames of before, which are believed.
ALTER TABLE frame ADD COLUMN crc INTEGER;
