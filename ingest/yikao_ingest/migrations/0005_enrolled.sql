-- Since when a resident is waited for who has never measured: the first day on which the daily round
-- knew of him or her.
ALTER TABLE resident ADD COLUMN enrolled_on date;
