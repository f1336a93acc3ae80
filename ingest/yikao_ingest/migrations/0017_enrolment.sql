-- A gateway gets its certificate with one code, and can be withdrawn (ADR 26). A gateway that waits
-- for its key has an empty public_key, which nothing can be signed with.
ALTER TABLE gateway
    -- Since when its key is the one that it brought itself: the registry file has no word against it.
    ADD COLUMN enrolled_at timestamptz,
    -- Nothing is taken from it since then, until it comes with a new code.
    ADD COLUMN withdrawn_at timestamptz;

CREATE TABLE gateway_invite (
    -- SHA-256 of the code's secret, which is written down nowhere.
    secret_hash bytea PRIMARY KEY,
    gateway_id text NOT NULL REFERENCES gateway,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    -- Of both keys of whoever used it: the same may ask again, nobody else.
    keys_hash bytea,
    CHECK (num_nulls(used_at, keys_hash) IN (0, 2))
);
CREATE INDEX gateway_invite_gateway ON gateway_invite (gateway_id);

CREATE TABLE gateway_certificate (
    -- Hexadecimal, as OpenSSL shows it, in small letters.
    serial text PRIMARY KEY,
    gateway_id text NOT NULL REFERENCES gateway,
    -- SHA-256 of its SubjectPublicKeyInfo.
    key_hash bytea NOT NULL,
    certificate text NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    withdrawn_at timestamptz
);
CREATE INDEX gateway_certificate_key ON gateway_certificate (gateway_id, key_hash);
