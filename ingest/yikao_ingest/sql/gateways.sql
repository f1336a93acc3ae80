-- What gateways are told to do, and what they say of themselves. Time is a parameter.

-- name: unsent_wishes
SELECT g.tenant, c.gateway_id, c.revision, c.wished::text
FROM gateway_configuration c JOIN gateway g USING (gateway_id)
WHERE c.sent_at IS NULL
ORDER BY c.gateway_id, c.revision LIMIT 100

-- name: wish_sent
UPDATE gateway_configuration SET sent_at = %(now)s
WHERE gateway_id = %(gateway_id)s AND revision = %(revision)s

-- name: lock_gateway
SELECT FROM gateway WHERE gateway_id = %(gateway_id)s FOR UPDATE

-- name: newest_wish
SELECT wished::text FROM gateway_configuration WHERE gateway_id = %(gateway_id)s
ORDER BY revision DESC LIMIT 1

-- name: newest_answered
SELECT revision FROM gateway_configuration_state WHERE gateway_id = %(gateway_id)s

-- name: insert_wish
INSERT INTO gateway_configuration (gateway_id, revision, wished, set_by, set_at)
VALUES (%(gateway_id)s, %(revision)s, %(wished)s, %(by)s, %(now)s)

-- name: all_ids
SELECT gateway_id FROM gateway ORDER BY gateway_id

-- name: gateways
SELECT g.gateway_id, g.online, g.seen_at, g.waiting, g.version, g.machine::text,
    became.wished_revision, c.wished::text, c.set_by, c.set_at, c.sent_at,
    became.state AS configuration, s.revision, s.code, s.field, s.in_force::text, s.local
FROM gateway g
JOIN gateway_configured became USING (gateway_id)
LEFT JOIN gateway_configuration c ON (c.gateway_id, c.revision)
                                   = (g.gateway_id, became.wished_revision)
LEFT JOIN gateway_configuration_state s ON s.gateway_id = g.gateway_id
WHERE %(gateways)s::text[] IS NULL OR g.gateway_id = ANY (%(gateways)s)
ORDER BY g.gateway_id
