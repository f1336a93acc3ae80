-- Everything the pager says to the database. Time is a parameter: no statement looks at a clock.

-- name: due_pages
-- A page that is on its way is left to whoever has it, until the lease ends or its holder's
-- connection is gone. When the server itself has started anew all connections are gone and say
-- nothing: then the lease counts. An address is one pager's until the transaction ends, so that two
-- do not make two messages where one is enough.
WITH head AS (
    SELECT p.page_id, p.doctor_id, p.channel, p.address, p.language, p.red, p.message_id,
           p.channel || ' ' || split_part(p.address, '/', 3) AS provider
    FROM page p
    WHERE p.state = 'due' AND p.due_at <= %(now)s AND p.page_id <> ALL(%(ours)s::uuid[])
      AND (p.red OR p.message_id IS NOT NULL OR %(ranked)s)
      AND p.channel || ' ' || split_part(p.address, '/', 3) <> ALL(%(full)s::text[])
      AND (p.lease_until IS NULL OR p.lease_until <= %(now)s
           OR p.lease_backend_start >= pg_postmaster_start_time() AND NOT EXISTS (
               SELECT FROM pg_stat_activity a
               WHERE a.pid = p.lease_pid AND a.backend_start = p.lease_backend_start))
    ORDER BY p.red DESC, p.due_at LIMIT %(look_at)s
    FOR UPDATE SKIP LOCKED
)
SELECT page_id, doctor_id, channel, address, language, red, message_id, provider FROM head
WHERE pg_try_advisory_xact_lock(%(lock_class)s, hashtext(channel || ' ' || address))

-- name: sent_lately
-- What was refused has disturbed nobody.
SELECT t.channel, t.address, p.doctor_id, p.message_at, p.red
FROM unnest(%(channels)s::text[], %(addresses)s::text[]) AS t (channel, address)
CROSS JOIN LATERAL (
    SELECT DISTINCT doctor_id, message_at, red FROM page
    WHERE page.channel = t.channel AND page.address = t.address AND message_at > %(since)s
      AND state <> 'failed'
    OFFSET 0
) p

-- name: claim_new
UPDATE page SET lease_until = %(lease_until)s, lease_pid = pg_backend_pid(),
    lease_backend_start = %(backend_start)s, attempts = attempts + 1, unanswered = unanswered + 1,
    message_id = m.message_id, message_at = %(now)s
FROM unnest(%(pages)s::uuid[], %(messages)s::uuid[]) AS m (page_id, message_id)
WHERE page.page_id = m.page_id
RETURNING page.page_id, page.message_id, episode_id, doctor_id, channel, address, language, body,
          link, short, red, attempts, unanswered,
          channel || ' ' || split_part(address, '/', 3) AS provider

-- name: claim_again
-- What has been one message stays one, less what an answer has cancelled.
UPDATE page SET lease_until = %(lease_until)s, lease_pid = pg_backend_pid(),
    lease_backend_start = %(backend_start)s, attempts = attempts + 1, unanswered = unanswered + 1
WHERE page_id = ANY(ARRAY(
    SELECT page_id FROM page WHERE page_id = ANY(%(messages)s::uuid[]) AND message_id = page_id
    UNION ALL
    SELECT page_id FROM page WHERE message_id = ANY(%(messages)s::uuid[]) AND message_id <> page_id
)) AND state = 'due'
RETURNING page_id, message_id, episode_id, doctor_id, channel, address, language, body, link, short,
          red, attempts, unanswered, channel || ' ' || split_part(address, '/', 3) AS provider

-- name: backend_start
SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()

-- name: bundle_facts
SELECT p.page_id, p.episode_id, p.created_at, p.facts, e.severity, e.level_since
FROM page p JOIN episode e USING (episode_id) WHERE p.page_id = ANY(%(pages)s)

-- name: wait_until
UPDATE page SET due_at = w.until
FROM unnest(%(pages)s::uuid[], %(untils)s::timestamptz[]) AS w (page_id, until)
WHERE page.page_id = w.page_id

-- name: lock_pages
-- Whoever holds a page, like an evaluator that supersedes it, is not waited for: neither holds the
-- other up, and no two wait for each other.
SELECT page_id FROM page WHERE page_id = ANY(%(pages)s::uuid[]) FOR NO KEY UPDATE SKIP LOCKED

-- name: pages_sent
WITH result AS (
    SELECT * FROM unnest(%(pages)s::uuid[], %(details)s::text[]) AS r (page_id, detail)
), noted AS (
    INSERT INTO page_attempt (page_id, at, outcome, detail)
    SELECT page_id, %(now)s, 'delivered', detail FROM result
), kept AS (
    UPDATE page SET state = 'sent', sent_at = %(now)s, provider_id = result.detail, unanswered = 0,
        lease_until = NULL, lease_pid = NULL, lease_backend_start = NULL
    FROM result WHERE page.page_id = result.page_id AND state IN ('due', 'cancelled')
    RETURNING episode_id
)
SELECT pg_notify(%(channel)s, 'episode:' || episode_id)
FROM (SELECT DISTINCT episode_id FROM kept WHERE episode_id IS NOT NULL) AS told

-- name: pages_again
-- Of the last attempt only: one who was too slow has no say over the next. Where the provider has
-- not taken the page, it is known that this attempt did not arrive.
WITH result AS (
    SELECT * FROM unnest(
        %(pages)s::uuid[], %(attempts)s::integer[], %(due)s::timestamptz[], %(outcomes)s::text[],
        %(details)s::text[]
    ) AS r (page_id, attempt, due_at, outcome, detail)
), noted AS (
    INSERT INTO page_attempt (page_id, at, outcome, detail)
    SELECT page_id, %(now)s, outcome, detail FROM result
)
UPDATE page SET due_at = result.due_at,
    unanswered = unanswered - (result.outcome = 'retryable')::integer,
    lease_until = NULL, lease_pid = NULL, lease_backend_start = NULL
FROM result
WHERE page.page_id = result.page_id AND state = 'due' AND attempts = result.attempt

-- name: insert_attempt
INSERT INTO page_attempt (page_id, at, outcome, detail)
VALUES (%(page_id)s, %(now)s, %(outcome)s, %(detail)s)

-- name: page_failed
-- attempt: of whoever says so; null when it was no attempt that failed.
UPDATE page SET state = 'failed', lease_until = NULL, lease_pid = NULL, lease_backend_start = NULL
WHERE page_id = %(page_id)s AND state = ANY(%(states)s)
  AND attempts = coalesce(%(attempt)s, attempts)
RETURNING page_id, episode_id, round, step, loop, doctor_id, contact_position, channel, language,
          body, facts

-- name: page_waiting
SELECT page_id, episode_id, round, step, loop, doctor_id, contact_position, channel, language, body,
       facts
FROM page WHERE page_id = %(page_id)s AND state = 'due'

-- name: waiting_too_long
-- Tried for long, or to be sent through a provider that is down; and the doctor has a contact
-- that this call has not used.
SELECT p.page_id FROM page p
WHERE p.state = 'due' AND p.episode_id IS NOT NULL AND (
      p.message_at <= %(before)s
      OR p.due_at <= %(soon)s
         AND p.channel || ' ' || split_part(p.address, '/', 3) = ANY(%(down)s::text[]))
  AND EXISTS (
      SELECT FROM contact c WHERE c.doctor_id = p.doctor_id AND NOT EXISTS (
          SELECT FROM page used
          WHERE (used.episode_id, used.round, used.step, used.loop, used.doctor_id,
                 used.contact_position)
              = (p.episode_id, p.round, p.step, p.loop, c.doctor_id, c.position)))
  AND NOT EXISTS (
      SELECT FROM page later
      WHERE (later.episode_id, later.round, later.step, later.loop, later.doctor_id)
          = (p.episode_id, p.round, p.step, p.loop, p.doctor_id)
        AND later.created_at > p.created_at)
ORDER BY p.red DESC, p.due_at LIMIT %(most)s

-- name: unused_contacts
-- Those after the one that was tried, then those before it.
SELECT c.position, c.channel, c.address FROM contact c
WHERE c.doctor_id = %(doctor_id)s AND c.position <> %(contact_position)s AND NOT EXISTS (
    SELECT FROM page used
    WHERE (used.episode_id, used.round, used.step, used.loop, used.doctor_id,
           used.contact_position)
        = (%(episode_id)s, %(round)s, %(step)s, %(loop)s, c.doctor_id, c.position))
ORDER BY c.position < %(contact_position)s, c.position

-- name: insert_next
-- The link names the first page; it opens the same episode for the same doctor.
INSERT INTO page (page_id, episode_id, round, step, loop, doctor_id, contact_position, channel,
                  address, language, body, link, facts, red, created_at, due_at)
SELECT %(next_id)s, episode_id, round, step, loop, doctor_id, %(position)s, %(channel)s,
       %(address)s, language, %(body)s, link, facts, red, %(now)s, %(now)s
FROM page WHERE page_id = %(page_id)s
ON CONFLICT DO NOTHING

-- name: about
SELECT e.patient_id, e.state FROM page p JOIN episode e USING (episode_id)
WHERE p.page_id = %(page_id)s

-- name: hold_old
-- What another pager tries all the time is not old, however long that takes.
UPDATE page p SET state = 'held', lease_until = NULL, lease_pid = NULL, lease_backend_start = NULL
WHERE p.state = 'due' AND coalesce(p.released_at, p.created_at) <= %(before)s AND NOT EXISTS (
    SELECT FROM page_attempt a WHERE a.page_id = p.page_id AND a.at > %(before)s)
RETURNING p.page_id

-- name: desks_of
-- Whose desk is told of pages that are held, by how many: a page that is about nobody, everybody's.
SELECT d.doctor_id, d.language, held.count, c.position, c.channel, c.address
FROM (
    SELECT coalesce(centre.duty_desk_id, t.duty_doctor_id) AS doctor_id, count(*) AS count
    FROM page p
    JOIN episode e USING (episode_id)
    JOIN resident r USING (patient_id)
    JOIN team t USING (team_id)
    LEFT JOIN centre USING (centre_id)
    WHERE p.page_id = ANY(%(pages)s)
    GROUP BY 1
) held
JOIN doctor d USING (doctor_id)
JOIN contact c USING (doctor_id)
ORDER BY d.doctor_id, c.position

-- name: insert_notice
INSERT INTO page (page_id, round, step, loop, doctor_id, contact_position, channel, address,
                  language, body, link, created_at, due_at)
VALUES (%(page_id)s, 0, 0, 0, %(doctor_id)s, %(position)s, %(channel)s, %(address)s, %(language)s,
        %(body)s, '', %(now)s, %(now)s)
ON CONFLICT DO NOTHING

-- name: held_pages
SELECT p.page_id, p.created_at, p.episode_id, e.state AS episode_state, p.doctor_id, p.channel,
       p.red
FROM page p LEFT JOIN episode e USING (episode_id)
WHERE p.state = 'held' ORDER BY p.red DESC, p.created_at, p.page_id

-- name: release_page
UPDATE page SET state = 'due', due_at = %(now)s, released_at = %(now)s, released_by = %(by)s,
    message_id = NULL, message_at = NULL
WHERE page_id = %(page_id)s AND state = 'held' AND created_at > %(readable)s

-- name: discard_page
UPDATE page SET state = 'cancelled', released_at = %(now)s, released_by = %(by)s
WHERE page_id = %(page_id)s AND state = 'held'

-- name: without_receipt
SELECT provider_id, address, min(sent_at) AS sent_at FROM page
WHERE channel = %(channel)s AND state = 'sent' AND sent_at > %(since)s
GROUP BY provider_id, address ORDER BY min(sent_at)

-- name: pages_delivered
UPDATE page SET state = 'delivered', delivered_at = %(now)s
WHERE channel = %(channel)s AND state = 'sent' AND provider_id = ANY(%(numbers)s)
RETURNING episode_id

-- name: pages_of_number
SELECT page_id FROM page
WHERE channel = %(channel)s AND state = 'sent' AND provider_id = %(number)s

-- name: pages_read
-- The page whose link was opened, and those that its message named.
UPDATE page p SET read_at = %(now)s
FROM page opened
WHERE opened.page_id = %(page_id)s AND p.read_at IS NULL AND p.doctor_id = opened.doctor_id
  AND (p.page_id = opened.page_id OR p.message_id = opened.message_id)
RETURNING p.episode_id
