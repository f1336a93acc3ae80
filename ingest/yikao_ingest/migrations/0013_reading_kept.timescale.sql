-- TimescaleDB: compressed months become one piece of half a year, whose rows of a resident lie in
-- packs of up to a thousand: each pack pays for each column. The upkeep packs them anew. The one sparse
-- index in the place of a filter over the key costs next to nothing; with none at all TimescaleDB 2.29.2
-- ends the server on a second condition.
ALTER TABLE reading_kept SET (
    timescaledb.orderby = 'time DESC',
    timescaledb.sparse_index = 'minmax(device_id)',
    timescaledb.compress_chunk_interval = '180 days'
);

-- Up to where each piece was when its rows were last packed.
CREATE TABLE upkeep_packed (
    chunk regclass PRIMARY KEY,
    until timestamptz NOT NULL
);
