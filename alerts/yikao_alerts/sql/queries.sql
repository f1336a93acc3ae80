-- Everything the evaluator, the answer and the pager say to the database. Time is a parameter:
-- no statement but read_clock looks at a clock.

-- name: read_clock
SELECT clock_timestamp()

-- name: lock_patient
SELECT pg_advisory_xact_lock(%(lock_class)s, %(patient_id)s)

-- name: next_queued
-- The lock is tried for one waiting resident after another, and the first that is free is ours. No
-- row is locked: whoever holds a resident's row must never wait for the resident.
SELECT patient_id FROM (SELECT patient_id FROM eval_queue ORDER BY eval_id LIMIT 100) AS waiting
WHERE pg_try_advisory_xact_lock(%(lock_class)s, patient_id) LIMIT 1

-- name: next_timer
SELECT patient_id FROM (
    SELECT patient_id FROM eval_timer WHERE due_at <= %(now)s ORDER BY due_at LIMIT 100
) AS waiting
WHERE pg_try_advisory_xact_lock(%(lock_class)s, patient_id) LIMIT 1

-- name: take_queued
DELETE FROM eval_queue WHERE patient_id = %(patient_id)s

-- name: clear_timer
DELETE FROM eval_timer WHERE patient_id = %(patient_id)s

-- name: set_timer
INSERT INTO eval_timer (patient_id, due_at) VALUES (%(patient_id)s, %(due_at)s)
ON CONFLICT (patient_id) DO UPDATE SET due_at = EXCLUDED.due_at

-- name: measurements
SELECT r.kind, r.device_id, r.time, r.received_at, r.unit, r.flags, d.address,
       r.systolic_mmhg, r.diastolic_mmhg, r.systolic_kpa, r.diastolic_kpa, r.pulse_bpm,
       r.glucose_mmol_l, r.glucose_mg_dl
FROM reading r JOIN device d USING (device_id)
WHERE r.patient_id = %(patient_id)s AND r.time > %(oldest)s
  AND (r.time > %(since)s OR r.received_at > %(since)s)

-- name: implausible
SELECT received_at, payload FROM quarantine
WHERE patient_id = %(patient_id)s AND received_at > %(since)s AND reason = 'implausible'

-- name: symptoms
SELECT reading_id, time, received_at, symptoms FROM symptom_report
WHERE patient_id = %(patient_id)s AND time > %(oldest)s
  AND (time > %(since)s OR received_at > %(since)s)

-- name: active_episodes
SELECT episode_id, family, state, rule_id, severity, level, confirmed, measured_at, opened_at,
       level_since, round, last_evidence_at, normal_rounds, answered_at
FROM episode
WHERE patient_id = %(patient_id)s AND state IN ('suspected', 'open', 'answered')

-- name: known_findings
SELECT rule_id, trigger_key, confirmed FROM finding
WHERE patient_id = %(patient_id)s AND found_at > %(oldest)s

-- name: care
SELECT t.zone, r.doctor_id, own.language, t.duty_doctor_id, duty.language
FROM resident r
JOIN team t USING (team_id)
JOIN doctor own ON own.doctor_id = r.doctor_id
JOIN doctor duty ON duty.doctor_id = t.duty_doctor_id
WHERE r.patient_id = %(patient_id)s

-- name: contacts
SELECT doctor_id, position, channel, address FROM contact
WHERE doctor_id = ANY(%(doctors)s) ORDER BY doctor_id, position

-- name: insert_decision
INSERT INTO decision (patient_id, decided_at, ruleset_digest, code_version, inputs, findings, refusals)
VALUES (%(patient_id)s, %(now)s, %(digest)s, %(code_version)s, %(inputs)s, %(findings)s, %(refusals)s)
RETURNING decision_id

-- name: insert_finding
INSERT INTO finding (patient_id, rule_id, trigger_key, confirmed, episode_id, found_at,
                     decision_id, evidence)
VALUES (%(patient_id)s, %(rule_id)s, %(trigger_key)s, %(confirmed)s, %(episode_id)s, %(now)s,
        %(decision_id)s, %(evidence)s)
ON CONFLICT DO NOTHING

-- name: insert_episode
INSERT INTO episode (patient_id, family, state, rule_id, severity, level, confirmed, measured_at,
                     opened_at, level_since, round, last_evidence_at, normal_rounds)
VALUES (%(patient_id)s, %(family)s, %(state)s, %(rule_id)s, %(severity)s, %(level)s,
        %(confirmed)s, %(measured_at)s, %(opened_at)s, %(level_since)s, %(round)s,
        %(last_evidence_at)s, %(normal_rounds)s)
RETURNING episode_id

-- name: update_episode
UPDATE episode SET state = %(state)s, rule_id = %(rule_id)s, severity = %(severity)s,
    level = %(level)s, confirmed = %(confirmed)s, level_since = %(level_since)s,
    round = %(round)s, last_evidence_at = %(last_evidence_at)s,
    normal_rounds = %(normal_rounds)s, closed_at = %(closed_at)s
WHERE episode_id = %(episode_id)s

-- name: insert_event
INSERT INTO episode_event (episode_id, at, event, from_state, to_state, actor, detail)
VALUES (%(episode_id)s, %(at)s, %(event)s, %(from_state)s, %(to_state)s, %(actor)s, %(detail)s)

-- name: pages_of_episode
SELECT step, loop, contact_position, state FROM page
WHERE episode_id = %(episode_id)s AND round = %(round)s

-- name: insert_page
INSERT INTO page (page_id, episode_id, round, step, loop, doctor_id, contact_position, channel,
                  address, language, body, link, created_at, due_at)
VALUES (%(page_id)s, %(episode_id)s, %(round)s, %(step)s, %(loop)s, %(doctor_id)s,
        %(contact_position)s, %(channel)s, %(address)s, %(language)s, %(body)s, %(link)s,
        %(now)s, %(now)s)
ON CONFLICT DO NOTHING

-- name: supersede_pages
-- What the doctor has not got yet of earlier calls, the new one says again.
UPDATE page SET state = 'cancelled'
WHERE episode_id = %(episode_id)s AND doctor_id = %(doctor_id)s AND state = 'due'
  AND (round, step, loop) < (%(round)s, %(step)s, %(loop)s)

-- name: insert_command
INSERT INTO command (command_id, patient_id, gateway_id, device, do_what, text_zh, text_en,
                     created_at, expires_at)
SELECT %(command_id)s, %(patient_id)s, d.gateway_id, d.address, %(do_what)s, %(text_zh)s,
       %(text_en)s, %(now)s, %(expires_at)s
FROM device d WHERE d.address = %(device)s
ON CONFLICT DO NOTHING

-- name: episode_for_answer
SELECT e.patient_id, e.state, e.answered_at, e.answered_by, d.name
FROM episode e LEFT JOIN doctor d ON d.doctor_id = e.answered_by
WHERE e.episode_id = %(episode_id)s

-- name: answer_episode
UPDATE episode SET state = %(state)s, answered_by = %(doctor_id)s, answered_at = %(now)s,
    disposition = %(disposition)s
WHERE episode_id = %(episode_id)s

-- name: close_episode
UPDATE episode SET state = %(state)s, disposition = %(disposition)s, closed_at = %(now)s
WHERE episode_id = %(episode_id)s

-- name: cancel_pages
UPDATE page SET state = 'cancelled' WHERE episode_id = %(episode_id)s AND state = 'due'

-- name: queue_evaluation
INSERT INTO eval_queue (patient_id, queued_at) VALUES (%(patient_id)s, %(now)s)

-- name: claim_pages
-- The array keeps the inner statement to one run, so that no more than the slots are taken.
UPDATE page SET lease_until = %(lease_until)s, lease_pid = pg_backend_pid(),
    lease_backend_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()),
    attempts = attempts + 1
WHERE page_id = ANY (ARRAY(
    SELECT p.page_id FROM page p
    WHERE p.state = 'due' AND p.due_at <= %(now)s
      AND (p.lease_until IS NULL OR p.lease_until <= %(now)s OR NOT EXISTS (
          SELECT FROM pg_stat_activity a
          WHERE a.pid = p.lease_pid AND a.backend_start = p.lease_backend_start))
    ORDER BY p.due_at LIMIT %(slots)s
    FOR UPDATE SKIP LOCKED
))
RETURNING page_id, episode_id, channel, address, language, body, link, attempts

-- name: page_sent
UPDATE page SET state = 'sent', sent_at = %(now)s, provider_id = %(provider_id)s,
    lease_until = NULL, lease_pid = NULL, lease_backend_start = NULL
WHERE page_id = %(page_id)s AND state IN ('due', 'cancelled')

-- name: page_again
-- Only by whoever holds the lease: one who was too slow has no say over the next attempt.
UPDATE page SET due_at = %(due_at)s, lease_until = NULL, lease_pid = NULL,
    lease_backend_start = NULL
WHERE page_id = %(page_id)s AND state = 'due' AND lease_pid = pg_backend_pid()

-- name: page_failed
UPDATE page SET state = 'failed', lease_until = NULL, lease_pid = NULL, lease_backend_start = NULL
WHERE page_id = %(page_id)s AND state = 'due' AND lease_pid = pg_backend_pid()
RETURNING episode_id, round, step, loop, doctor_id, contact_position, language, body, link

-- name: page_overdue
SELECT p.episode_id, p.round, p.step, p.loop, p.doctor_id, p.contact_position, p.language, p.body,
       p.link
FROM page p
WHERE p.page_id = %(page_id)s AND p.state = 'due' AND p.created_at <= %(before)s
  AND NOT EXISTS (
      SELECT FROM page later
      WHERE (later.episode_id, later.round, later.step, later.loop, later.doctor_id)
          = (p.episode_id, p.round, p.step, p.loop, p.doctor_id)
        AND later.contact_position > p.contact_position)

-- name: next_contact
SELECT position, channel, address FROM contact
WHERE doctor_id = %(doctor_id)s AND position > %(position)s ORDER BY position LIMIT 1

-- name: patient_of_episode
SELECT patient_id, state FROM episode WHERE episode_id = %(episode_id)s

-- name: insert_attempt
INSERT INTO page_attempt (page_id, at, outcome, detail)
VALUES (%(page_id)s, %(at)s, %(outcome)s, %(detail)s)

-- name: notify
SELECT pg_notify(%(channel)s, %(payload)s)
