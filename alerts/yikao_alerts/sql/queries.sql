-- Everything the evaluator, the answer and the pager say to the database. Time is a parameter:
-- no statement but read_clock looks at a clock.

-- name: read_clock
SELECT clock_timestamp()

-- name: lock_patient
SELECT pg_advisory_xact_lock(%(lock_class)s, %(patient_id)s)

-- name: in_utc
-- Times come out in UTC, whatever the database's own zone is.
SET LOCAL TimeZone = 'UTC'

-- name: claim_queued
-- The lock is tried for one waiting resident after another until enough are ours. No row is locked:
-- whoever holds a resident's row must never wait for the resident.
SELECT patient_id FROM (
    SELECT patient_id, min(eval_id) AS first FROM (
        SELECT patient_id, eval_id FROM eval_queue ORDER BY eval_id LIMIT %(look_at)s
    ) AS head
    GROUP BY patient_id ORDER BY first LIMIT %(look_at)s
) AS waiting
WHERE pg_try_advisory_xact_lock(%(lock_class)s, patient_id) LIMIT %(most)s

-- name: claim_due
SELECT patient_id FROM (
    SELECT patient_id FROM eval_timer WHERE due_at <= %(now)s ORDER BY due_at LIMIT %(look_at)s
) AS waiting
WHERE pg_try_advisory_xact_lock(%(lock_class)s, patient_id) LIMIT %(most)s

-- name: take_queued
DELETE FROM eval_queue WHERE patient_id = ANY(%(patients)s) RETURNING patient_id

-- name: take_timers
-- Of those who were in the queue, and of those whose time has come.
DELETE FROM eval_timer
WHERE patient_id = ANY(%(patients)s) AND (due_at <= %(now)s OR patient_id = ANY(%(queued)s))
RETURNING patient_id

-- name: set_timers
INSERT INTO eval_timer (patient_id, due_at)
SELECT * FROM unnest(%(patients)s::integer[], %(times)s::timestamptz[])
ON CONFLICT (patient_id) DO UPDATE SET due_at = EXCLUDED.due_at

-- name: residents
-- With what the doctor set, what is usual, and where the chain of records stands.
SELECT r.patient_id, r.birth_year, r.sex, p.groups, p.targets, p.options,
       ARRAY(SELECT jsonb_object_keys(h.devices)), h.unit_habit, h.profile, head.seq, head.hash,
       t.zone
FROM resident r
JOIN team t USING (team_id)
LEFT JOIN LATERAL (
    SELECT groups, targets, options FROM resident_profile
    WHERE resident_profile.patient_id = r.patient_id AND valid_from <= %(now)s
    ORDER BY valid_from DESC, profile_id DESC LIMIT 1
) p ON true
LEFT JOIN resident_habit h ON h.patient_id = r.patient_id
LEFT JOIN LATERAL (
    SELECT seq, hash FROM decision
    WHERE decision.patient_id = r.patient_id AND lane = 'acute' AND NOT shadow
      AND seq IS NOT NULL
    ORDER BY seq DESC LIMIT 1
) head ON true
WHERE r.patient_id = ANY(%(patients)s)

-- name: first_loud
-- The first pressure within the window that some rule could look at, of each resident: outside the
-- quiet zones of the resident's own rules, with a flag, in another unit, late; and anything that is
-- no pressure. What lies further back is ordinary, and no rule is met by it.
-- Many residents share their zones, which are given once.
SELECT p.patient_id, loud.first
FROM unnest(%(patients)s::integer[], %(zone_of)s::integer[]) AS p (patient_id, zone)
JOIN unnest(
    %(systolic_low)s::float8[], %(systolic_high)s::float8[],
    %(diastolic_low)s::float8[], %(diastolic_high)s::float8[],
    %(pulse_low)s::float8[], %(pulse_high)s::float8[], %(narrow)s::float8[]
) WITH ORDINALITY AS w (systolic_low, systolic_high, diastolic_low, diastolic_high, pulse_low,
                        pulse_high, narrow, zone) USING (zone)
CROSS JOIN LATERAL (
    SELECT min(r.time) AS first FROM reading r
    WHERE r.patient_id = p.patient_id AND r.time > %(since)s AND r.time <= %(recent)s
      AND judged(r.kind) AND (
          r.kind <> 'blood_pressure' OR r.unit <> 'mmHg' OR cardinality(r.flags) > 0
          OR NOT (r.systolic_mmhg > w.systolic_low AND r.systolic_mmhg < w.systolic_high)
          OR NOT (r.diastolic_mmhg > w.diastolic_low AND r.diastolic_mmhg < w.diastolic_high)
          OR NOT (r.pulse_bpm > w.pulse_low AND r.pulse_bpm < w.pulse_high)
          OR r.systolic_mmhg - r.diastolic_mmhg <= w.narrow
          OR r.received_at > r.time + %(late)s::interval OR r.received_at < r.time
      )
) AS loud
WHERE loud.first IS NOT NULL

-- name: measurements
-- `begins` is of the first patients; the others' readings are read from `recent` on.
SELECT w.patient_id, r.*
FROM unnest(%(patients)s::integer[], %(begins)s::timestamptz[]) AS w (patient_id, begins)
CROSS JOIN LATERAL (
    SELECT kind, address, time, received_at, unit, flags,
           CASE WHEN place = 'home' THEN meal ELSE place END AS context, doubt_s,
           systolic_mmhg, diastolic_mmhg, pulse_bpm, systolic_kpa, diastolic_kpa,
           glucose_mmol_l, glucose_mg_dl
    FROM reading JOIN device USING (device_id)
    WHERE reading.patient_id = w.patient_id AND judged(reading.kind) AND reading.time > %(since)s
      AND reading.time > coalesce(w.begins, %(recent)s)
    OFFSET 0
) AS r

-- name: implausible
SELECT patient_id, received_at, payload FROM quarantine_open
WHERE patient_id = ANY(%(patients)s) AND received_at > %(since)s AND reason = 'implausible'

-- name: symptoms
-- What was said at home: how they feel, and that they ask to be called.
SELECT patient_id, reading_id, time, received_at, symptoms FROM symptom_report
WHERE patient_id = ANY(%(patients)s) AND time > %(since)s
UNION ALL
SELECT patient_id, reading_id, time, received_at, ARRAY['call_me'] FROM help_call
WHERE patient_id = ANY(%(patients)s) AND time > %(since)s

-- name: others
-- Readings that were another person's, as somebody has found out.
SELECT patient_id, reading_key FROM reading_doubt
WHERE patient_id = ANY(%(patients)s) AND answer = 'other' AND measured_at > %(since)s

-- name: arrived
-- Readings and reports that arrived for the rules later than they were received: those that were
-- another's first, as of when a corrected registry gave them to this resident (what has come back
-- was the resident's all the time), and those that were released from quarantine.
SELECT m.to_patient_id, m.kind, d.address, m.time, m.reading_id, m.at
FROM reading_reassigned m JOIN device d USING (device_id)
WHERE m.to_patient_id = ANY(%(patients)s) AND m.time > %(since)s
  AND (m.kind = 'symptom' OR judged(m.kind))
  AND m.from_patient_id <> m.to_patient_id AND NOT EXISTS (
      SELECT FROM reading_reassigned b
      WHERE b.time = m.time AND m.to_patient_id IN (b.from_patient_id, b.to_patient_id)
        AND (b.device_id, b.kind, b.received_at) = (m.device_id, m.kind, m.received_at)
        AND b.user_slot IS NOT DISTINCT FROM m.user_slot
        AND b.reassigned_id < m.reassigned_id)
UNION ALL
SELECT r.patient_id, r.kind, d.address, r.time, r.reading_id, r.at
FROM reading_released r LEFT JOIN device d USING (device_id)
WHERE r.patient_id = ANY(%(patients)s) AND r.time > %(since)s
  AND (r.kind = 'symptom' OR judged(r.kind))

-- name: told_today
-- What the daily lane found that is for today; of a rule of its own, never a visit that is due.
SELECT patient_id, rule_id, severity, opened_day, opened_at, evidence FROM worklist_entry
WHERE patient_id = ANY(%(patients)s) AND severity = 'today' AND ended_day IS NULL
  AND opened_at > %(since)s AND evidence ->> 'what' = 'mean'

-- name: active_episodes
SELECT patient_id, episode_id, family, state, rule_id, severity, level, confirmed, measured_at,
       opened_at, level_since, round, last_evidence_at, normal_rounds, answered_at, tier,
       disposition, answered_by, reopens_at, handed_to
FROM episode
WHERE patient_id = ANY(%(patients)s) AND state IN ('suspected', 'open', 'answered', 'watching')

-- name: known_findings
SELECT patient_id, rule_id, trigger_key, confirmed FROM finding
WHERE patient_id = ANY(%(patients)s) AND found_at > %(oldest)s

-- name: care
-- With the rotas behind each role, and to whom an open episode was handed over.
SELECT r.patient_id, r.name, t.zone, r.doctor_id, t.duty_doctor_id, t.rota_id, c.duty_rota_id,
       c.duty_desk_id, coalesce(c.page_privacy, 'none'),
       ARRAY(SELECT ARRAY[s.specialty, s.rota_id] FROM specialist s WHERE s.centre_id = t.centre_id),
       ARRAY(SELECT e.handed_to FROM episode e
             WHERE e.patient_id = r.patient_id AND e.state = 'open' AND e.handed_to IS NOT NULL)
FROM resident r
JOIN team t USING (team_id)
LEFT JOIN centre c USING (centre_id)
WHERE r.patient_id = ANY(%(patients)s)

-- name: doctors
SELECT d.doctor_id, d.language, c.position, c.channel, c.address
FROM doctor d LEFT JOIN contact c USING (doctor_id)
WHERE d.doctor_id = ANY(%(doctors)s) ORDER BY d.doctor_id, c.position

-- name: caregivers
SELECT patient_id, caregiver_id, channel, address, language, notices FROM caregiver
WHERE patient_id = ANY(%(patients)s) AND consent_at <= %(now)s ORDER BY patient_id, caregiver_id

-- name: decision_numbers
-- The sequence is looked up once, not for each number.
SELECT nextval((SELECT pg_get_serial_sequence('decision', 'decision_id')::regclass))
FROM generate_series(1, %(count)s)

-- name: copy_decisions
COPY decision (decision_id, patient_id, decided_at, ruleset_digest, code_version, lane, shadow,
               seq, body, prev_hash, hash, inputs, findings, refusals)
FROM STDIN (FORMAT BINARY)

-- name: has_ruleset
SELECT 1 FROM ruleset WHERE digest = %(digest)s

-- name: keep_ruleset
INSERT INTO ruleset (digest, name, texts, first_used_at)
VALUES (%(digest)s, %(name)s, %(texts)s, %(now)s) ON CONFLICT DO NOTHING

-- name: shadow_heads
SELECT DISTINCT ON (patient_id) patient_id, seq, hash FROM decision
WHERE patient_id = ANY(%(patients)s) AND lane = 'acute' AND shadow AND seq IS NOT NULL
ORDER BY patient_id, seq DESC

-- name: insert_shadow_finding
INSERT INTO shadow_finding (digest, patient_id, rule_id, trigger_key, confirmed, lane, family,
                            severity, found_at, decision_id)
VALUES (%(digest)s, %(patient_id)s, %(rule_id)s, %(trigger_key)s, %(confirmed)s, 'acute',
        %(family)s, %(severity)s, %(now)s, %(decision_id)s)
ON CONFLICT DO NOTHING

-- name: insert_finding
INSERT INTO finding (patient_id, rule_id, trigger_key, confirmed, episode_id, found_at,
                     decision_id, evidence)
VALUES (%(patient_id)s, %(rule_id)s, %(trigger_key)s, %(confirmed)s, %(episode_id)s, %(now)s,
        %(decision_id)s, %(evidence)s)
ON CONFLICT DO NOTHING

-- name: insert_episode
INSERT INTO episode (patient_id, family, state, rule_id, severity, level, confirmed, measured_at,
                     opened_at, level_since, round, last_evidence_at, normal_rounds, tier)
VALUES (%(patient_id)s, %(family)s, %(state)s, %(rule_id)s, %(severity)s, %(level)s,
        %(confirmed)s, %(measured_at)s, %(opened_at)s, %(level_since)s, %(round)s,
        %(last_evidence_at)s, %(normal_rounds)s, %(tier)s)
RETURNING episode_id

-- name: update_episode
UPDATE episode SET state = %(state)s, rule_id = %(rule_id)s, severity = %(severity)s,
    level = %(level)s, confirmed = %(confirmed)s, level_since = %(level_since)s,
    round = %(round)s, last_evidence_at = %(last_evidence_at)s,
    normal_rounds = %(normal_rounds)s, tier = %(tier)s, answered_by = %(answered_by)s,
    answered_at = %(answered_at)s, disposition = %(disposition)s, reopens_at = %(reopens_at)s,
    handed_to = %(handed_to)s, closed_at = %(closed_at)s
WHERE episode_id = %(episode_id)s

-- name: insert_event
INSERT INTO episode_event (episode_id, at, event, from_state, to_state, actor, detail)
VALUES (%(episode_id)s, %(at)s, %(event)s, %(from_state)s, %(to_state)s, %(actor)s, %(detail)s)

-- name: pages_of_episodes
SELECT episode_id, round, step, loop, contact_position, state, coalesce(doctor_id, ''), created_at
FROM page
WHERE episode_id = ANY(%(episodes)s)

-- name: insert_page
INSERT INTO page (page_id, episode_id, round, step, loop, doctor_id, contact_position, channel,
                  address, language, facts, body, link, red, created_at, due_at)
VALUES (%(page_id)s, %(episode_id)s, %(round)s, %(step)s, %(loop)s, %(doctor_id)s,
        %(contact_position)s, %(channel)s, %(address)s, %(language)s, %(facts)s, %(body)s,
        %(link)s, %(red)s, %(now)s, %(due_at)s)
ON CONFLICT DO NOTHING

-- name: supersede_pages
-- What the doctor has not got yet of earlier calls, the new one says again; a call by a kind of
-- contact of its own stands beside the message that it follows, and beside those of the same moment.
UPDATE page SET state = 'cancelled'
WHERE episode_id = %(episode_id)s AND doctor_id = %(doctor_id)s AND state IN ('due', 'held')
  AND (round, step, loop) < (%(round)s, %(step)s, %(loop)s)
  AND created_at < %(now)s AND (%(by)s::text IS NULL OR channel = %(channel)s)

-- name: insert_notice
INSERT INTO page (page_id, episode_id, round, step, loop, caregiver_id, contact_position, channel,
                  address, language, body, link, red, created_at, due_at)
VALUES (%(page_id)s, %(episode_id)s, %(round)s, %(step)s, %(loop)s, %(caregiver_id)s, 0,
        %(channel)s, %(address)s, %(language)s, %(body)s, '', true, %(now)s, %(now)s)
ON CONFLICT DO NOTHING

-- name: insert_command
INSERT INTO command (command_id, patient_id, gateway_id, device, do_what, text_zh, text_en,
                     created_at, expires_at, show_at)
SELECT %(command_id)s, %(patient_id)s, d.gateway_id, d.address, %(do_what)s, %(text_zh)s,
       %(text_en)s, %(now)s, %(expires_at)s, %(show_at)s
FROM device d
-- At a station somebody else sits there by now: it is said at home, or nowhere.
WHERE d.device_id = coalesce(
    (SELECT n.device_id FROM device n WHERE n.address = %(device)s AND NOT n.station),
    (SELECT b.device_id FROM device_binding b JOIN device h USING (device_id)
     WHERE b.patient_id = %(patient_id)s AND b.valid @> %(now)s::timestamptz AND NOT h.station
     ORDER BY b.device_id LIMIT 1))
-- What was withdrawn and is wanted again goes out anew; what went out ahead once more when it is
-- time, for a gateway that has lost it.
ON CONFLICT (command_id) DO UPDATE SET withdrawn_at = NULL, sent_at = NULL
WHERE command.withdrawn_at IS NOT NULL
   OR EXCLUDED.show_at IS NULL AND command.sent_at < command.show_at
      AND command.outcome IS DISTINCT FROM 'shown'

-- name: withdraw_commands
-- What was to be said later, and is wanted no more.
UPDATE command SET withdrawn_at = %(now)s, sent_at = NULL
WHERE patient_id = ANY(%(patients)s) AND show_at > %(now)s AND withdrawn_at IS NULL
  AND command_id <> ALL(%(wanted)s)
RETURNING command_id

-- name: insert_doubt
INSERT INTO reading_doubt (patient_id, reading_key, measured_at, asked_at)
VALUES (%(patient_id)s, %(reading_key)s, %(measured_at)s, %(now)s) ON CONFLICT DO NOTHING

-- name: insert_entry
INSERT INTO worklist_entry (patient_id, rule_id, severity, opened_day, opened_at, evidence,
                            decision_id)
VALUES (%(patient_id)s, %(rule_id)s, %(severity)s, %(day)s, %(now)s, %(evidence)s,
        %(decision_id)s)
ON CONFLICT (patient_id, rule_id) WHERE closed_at IS NULL DO NOTHING

-- name: insert_task
-- For the next day, whatever readings say until then; only a person closes it.
INSERT INTO worklist_entry (patient_id, rule_id, severity, opened_day, opened_at, evidence)
VALUES (%(patient_id)s, %(rule_id)s, %(severity)s, %(day)s, %(now)s, %(evidence)s)
ON CONFLICT (patient_id, rule_id) WHERE closed_at IS NULL DO NOTHING

-- name: cancel_pages
UPDATE page SET state = 'cancelled'
WHERE episode_id = %(episode_id)s AND state IN ('due', 'held')

-- name: queue_evaluation
INSERT INTO eval_queue (patient_id, queued_at) VALUES (%(patient_id)s, %(now)s)

-- name: notify
SELECT pg_notify(%(channel)s, %(payload)s)
