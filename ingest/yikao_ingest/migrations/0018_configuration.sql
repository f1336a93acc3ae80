-- What gateways are to do differently (ADR 27): each wish is kept, and the one with the highest
-- revision is what is wished; what a gateway does stands in its own words beside it.
CREATE TABLE gateway_configuration (
    gateway_id text NOT NULL REFERENCES gateway,
    revision bigint NOT NULL,
    -- As it travels (docs/wire), complete: what is not named is as the gateway itself has it.
    wished jsonb NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    -- NULL: to be sent, for the first time or again.
    sent_at timestamptz,
    PRIMARY KEY (gateway_id, revision)
);
CREATE INDEX gateway_configuration_unsent ON gateway_configuration (gateway_id)
WHERE sent_at IS NULL;

CREATE TABLE gateway_configuration_state (
    gateway_id text PRIMARY KEY REFERENCES gateway,
    revision bigint NOT NULL,
    outcome text NOT NULL,
    code text,
    field text,
    in_force jsonb NOT NULL,
    local text[] NOT NULL,
    boot bigint NOT NULL,
    -- By the gateway's clock.
    told_at timestamptz NOT NULL
);

-- What became of the newest wish: `none` was there, `waiting` for an answer, or the gateway's word.
CREATE VIEW gateway_configured AS
SELECT g.gateway_id, c.revision AS wished_revision, s.revision,
    CASE
        WHEN c.revision IS NULL THEN 'none'
        WHEN s.revision >= c.revision THEN s.outcome
        -- Not even its number could be read.
        WHEN s.revision = 0 AND s.outcome = 'refused' THEN s.outcome
        ELSE 'waiting'
    END AS state
FROM gateway g
LEFT JOIN LATERAL (
    SELECT max(revision) AS revision FROM gateway_configuration w
    WHERE w.gateway_id = g.gateway_id
) c ON true
LEFT JOIN gateway_configuration_state s USING (gateway_id);

ALTER TABLE gateway
    -- What it runs on, as it said at its last connection.
    ADD COLUMN machine jsonb;

ALTER TABLE command
    -- Not to be shown before; NULL: at once.
    ADD COLUMN show_at timestamptz,
    -- Wanted no more, before it was time to show it; the gateway is told.
    ADD COLUMN withdrawn_at timestamptz;
CREATE INDEX command_later ON command (patient_id) WHERE show_at IS NOT NULL;
