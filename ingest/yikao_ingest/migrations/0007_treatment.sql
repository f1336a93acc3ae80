-- What was changed in a resident's treatment, and from when on: a move that the doctor expects is no
-- news to the trends. Only added to; what was entered by mistake is taken back, dated and signed.
CREATE TABLE treatment_change (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id integer NOT NULL REFERENCES resident,
    -- The value that it moves.
    signal text NOT NULL CHECK (signal IN ('pressure', 'glucose')),
    -- A drug started or raised lowers it; stopped or lowered, it rises; or the level is accepted as
    -- the new usual.
    change text NOT NULL CHECK (change IN ('lowers', 'raises', 'accepted')),
    from_day date NOT NULL,
    note text NOT NULL DEFAULT '',
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    taken_back_by text,
    taken_back_at timestamptz,
    CHECK (num_nulls(taken_back_by, taken_back_at) IN (0, 2))
);
CREATE INDEX treatment_change_patient ON treatment_change (patient_id, from_day);
