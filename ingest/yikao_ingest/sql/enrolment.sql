-- Certificates for gateways. Statements of `enrolment/store.py` and `enrolment/admin.py`.

-- name: standing_locked
-- Whoever changes what a gateway may do takes turns here.
SELECT tenant, public_key, withdrawn_at FROM gateway WHERE gateway_id = %(gateway)s FOR UPDATE

-- name: invite
INSERT INTO gateway_invite (secret_hash, gateway_id, made_at, made_by, expires_at)
VALUES (%(secret_hash)s, %(gateway)s, %(now)s, %(by)s, %(expires_at)s)

-- name: end_invites
-- The newest code is the only one.
UPDATE gateway_invite SET expires_at = least(expires_at, %(now)s)
WHERE gateway_id = %(gateway)s AND expires_at > %(now)s

-- name: invited
SELECT gateway_id AS gateway, expires_at, keys_hash FROM gateway_invite
WHERE secret_hash = %(secret_hash)s

-- name: use_invite
UPDATE gateway_invite SET used_at = %(now)s, keys_hash = %(keys)s
WHERE secret_hash = %(secret_hash)s

-- name: enrolled
-- A new key is a new machine, which counts its starts from the beginning.
UPDATE gateway SET public_key = %(public_key)s, enrolled_at = %(now)s, withdrawn_at = NULL,
    boot = CASE WHEN public_key = %(public_key)s THEN boot END
WHERE gateway_id = %(gateway)s

-- name: certify
INSERT INTO gateway_certificate (serial, gateway_id, key_hash, certificate, issued_at, expires_at)
VALUES (%(serial)s, %(gateway)s, %(key_hash)s, %(certificate)s, %(now)s, %(expires_at)s)

-- name: certificate_of_key
SELECT certificate, expires_at, withdrawn_at FROM gateway_certificate
WHERE gateway_id = %(gateway)s AND key_hash = %(key_hash)s AND serial <> %(but)s
ORDER BY issued_at DESC, serial LIMIT 1

-- name: certificate
SELECT certificate, expires_at, withdrawn_at FROM gateway_certificate
WHERE gateway_id = %(gateway)s AND serial = %(serial)s

-- name: withdraw
UPDATE gateway SET withdrawn_at = %(now)s WHERE gateway_id = %(gateway)s AND withdrawn_at IS NULL

-- name: withdraw_certificates
UPDATE gateway_certificate SET withdrawn_at = %(now)s
WHERE gateway_id = %(gateway)s AND withdrawn_at IS NULL AND expires_at > %(now)s

-- name: withdrawn
-- For the list: what has expired is refused without it.
SELECT serial, withdrawn_at FROM gateway_certificate
WHERE withdrawn_at IS NOT NULL AND expires_at > %(now)s ORDER BY withdrawn_at, serial
