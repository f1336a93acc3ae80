-- What a doctor's pages of detection read and write: worklist, labels, profiles, doubts, figures.
-- Times are arguments; `team` is null for a reader who may see every team.

-- The newest label of the machine and the newest word of a person, as long as that is valid.
-- name: worklist
SELECT
    w.entry_id, w.rule_id, w.severity, w.opened_at, w.evidence, w.closed_at, w.closed_why,
    w.snoozed_until, w.snooze_reason, snoozer.name AS snoozed_by_name, finisher.name AS done_by_name,
    r.patient_id, r.code AS resident_code, r.name AS resident_name, r.birth_year, r.sex,
    r.doctor_id, own.name AS doctor_name, t.team_id, t.zone,
    newest.label, newest.reasons,
    CASE WHEN word.expires_at > %(now)s THEN word.label END AS own_label
FROM worklist_entry w
JOIN patient r USING (patient_id)
JOIN doctor own ON own.doctor_id = r.doctor_id
JOIN team t ON t.team_id = r.team_id
LEFT JOIN doctor finisher ON finisher.doctor_id = w.done_by
LEFT JOIN doctor snoozer ON snoozer.doctor_id = w.snoozed_by
LEFT JOIN LATERAL (
    SELECT label, reasons FROM label
    WHERE label.patient_id = w.patient_id ORDER BY at DESC LIMIT 1
) newest ON true
LEFT JOIN LATERAL (
    SELECT label, expires_at FROM label_override o
    WHERE o.patient_id = w.patient_id ORDER BY set_at DESC, override_id DESC LIMIT 1
) word ON true
WHERE (%(team)s::text IS NULL OR r.team_id = %(team)s)
  AND (%(doctor)s::text IS NULL OR r.doctor_id = %(doctor)s)
  AND (%(patient_id)s::integer IS NULL OR w.patient_id = %(patient_id)s)
  AND (%(entry_id)s::bigint IS NULL OR w.entry_id = %(entry_id)s)
  AND (w.closed_at IS NULL OR w.closed_at >= %(closed_since)s OR %(entry_id)s::bigint IS NOT NULL)
  -- What is for information stands on the resident's own page alone.
  AND (
      w.severity IN ('page_now', 'today', 'this_week')
      OR %(patient_id)s::integer IS NOT NULL OR %(entry_id)s::bigint IS NOT NULL
  )
ORDER BY w.closed_at DESC NULLS FIRST, w.opened_at, w.entry_id
LIMIT %(limit)s

-- The record of the decision that opened an entry.
-- name: record_of_entry
SELECT d.seq, d.decided_at, encode(d.hash, 'hex') AS hash
FROM worklist_entry w JOIN decision d USING (decision_id)
WHERE w.entry_id = %(entry_id)s

-- name: records_of_episode
SELECT DISTINCT d.seq, d.decided_at, encode(d.hash, 'hex') AS hash
FROM finding f JOIN decision d USING (decision_id)
WHERE f.episode_id = %(episode_id)s
ORDER BY d.decided_at LIMIT %(limit)s

-- name: worklist_count
SELECT count(*) AS entries
FROM worklist_entry w JOIN patient r USING (patient_id)
WHERE w.closed_at IS NULL AND (w.snoozed_until IS NULL OR w.snoozed_until <= %(now)s)
  AND w.severity IN ('page_now', 'today', 'this_week')
  AND (%(team)s::text IS NULL OR r.team_id = %(team)s)
  AND (%(doctor)s::text IS NULL OR r.doctor_id = %(doctor)s)

-- Of how many residents the day is closed: an empty list says nothing about the others.
-- name: worklist_known
SELECT count(*) AS residents,
    count(*) FILTER (WHERE p.closed_until >= %(closed_since)s) AS closed,
    max(p.through_day) AS through_day
FROM patient r LEFT JOIN daily_progress p USING (patient_id)
WHERE (%(team)s::text IS NULL OR r.team_id = %(team)s)
  AND (%(doctor)s::text IS NULL OR r.doctor_id = %(doctor)s)

-- name: finish_entry
UPDATE worklist_entry SET closed_at = %(now)s, closed_why = 'done', done_by = %(doctor_id)s
WHERE entry_id = %(entry_id)s AND closed_at IS NULL

-- name: put_off_entry
UPDATE worklist_entry
SET snoozed_until = %(until)s, snoozed_at = %(now)s, snoozed_by = %(doctor_id)s,
    snooze_reason = %(reason)s
WHERE entry_id = %(entry_id)s AND closed_at IS NULL

-- name: labels
SELECT at, label, reasons, version FROM label
WHERE patient_id = %(patient_id)s
ORDER BY at DESC LIMIT %(limit)s

-- name: overrides
SELECT o.label, o.reason, o.set_at, o.expires_at, d.name AS set_by_name
FROM label_override o JOIN doctor d ON d.doctor_id = o.set_by
WHERE o.patient_id = %(patient_id)s
ORDER BY o.set_at DESC, o.override_id DESC LIMIT %(limit)s

-- name: set_label
INSERT INTO label_override (patient_id, label, reason, set_by, set_at, expires_at)
VALUES (%(patient_id)s, %(label)s, %(reason)s, %(doctor_id)s, %(now)s, %(expires_at)s)

-- name: profiles
SELECT p.profile_id, p.valid_from, p.groups, p.targets, p.options, p.note,
    coalesce(d.name, p.set_by) AS set_by_name
FROM resident_profile p LEFT JOIN doctor d ON d.doctor_id = p.set_by
WHERE p.patient_id = %(patient_id)s AND p.valid_from <= %(now)s
ORDER BY p.valid_from DESC, p.profile_id DESC LIMIT %(limit)s

-- name: lock_profiles
SELECT patient_id FROM resident WHERE patient_id = %(patient_id)s FOR UPDATE

-- name: newest_profile
SELECT profile_id FROM resident_profile
WHERE patient_id = %(patient_id)s AND valid_from <= %(now)s
ORDER BY valid_from DESC, profile_id DESC LIMIT 1

-- name: add_profile
INSERT INTO resident_profile (patient_id, valid_from, groups, targets, options, set_by, note)
VALUES (%(patient_id)s, %(now)s, %(groups)s, %(targets)s, %(options)s, %(doctor_id)s, %(note)s)

-- name: evaluate_again
INSERT INTO eval_queue (patient_id, queued_at) VALUES (%(patient_id)s, %(now)s)

-- name: doubts
SELECT d.reading_key, d.measured_at, d.asked_at, d.answer, d.answered_at,
    coalesce(who.name, d.answered_by) AS answered_by_name,
    g.unit, g.flags, g.systolic_mmhg, g.diastolic_mmhg, g.systolic_kpa, g.diastolic_kpa,
    g.pulse_bpm, g.glucose_mmol_l, g.glucose_mg_dl
FROM reading_doubt d
LEFT JOIN doctor who ON who.doctor_id = d.answered_by
LEFT JOIN LATERAL (
    SELECT reading.* FROM reading JOIN device v USING (device_id)
    WHERE reading.patient_id = d.patient_id AND reading.time = d.measured_at
      AND starts_with(d.reading_key, reading.kind || '/' || v.address || '/')
    LIMIT 1
) g ON true
WHERE d.patient_id = %(patient_id)s AND (d.answer IS NULL OR d.answered_at >= %(since)s)
ORDER BY d.answer IS NOT NULL, d.measured_at DESC
LIMIT %(limit)s

-- name: answer_doubt
UPDATE reading_doubt
SET answer = %(answer)s, answered_at = %(now)s, answered_by = %(doctor_id)s
WHERE patient_id = %(patient_id)s AND reading_key = %(reading_key)s
  AND answer IS DISTINCT FROM %(answer)s
RETURNING measured_at

-- name: touch_days
UPDATE daily_progress
SET touched_at = least(coalesce(touched_at, %(measured_at)s), %(measured_at)s)
WHERE patient_id = %(patient_id)s

-- name: conflicts
SELECT c.received_at, c.time, c.kind, c.stored, c.arrived, v.address AS device, v.model
FROM reading_conflict c LEFT JOIN device v USING (device_id)
WHERE c.patient_id = %(patient_id)s AND c.received_at >= %(since)s
ORDER BY c.received_at DESC, c.reading_id LIMIT %(limit)s

-- What trends are made of: measured at home, without readings that are, or may be, somebody else's.
-- name: pressures
SELECT g.time, g.systolic_mmhg, g.diastolic_mmhg, coalesce(g.pulse_bpm, 0) AS pulse_bpm
FROM reading g JOIN device v USING (device_id)
WHERE g.patient_id = %(patient_id)s AND g.kind = 'blood_pressure' AND g.place = 'home'
  AND g.time >= %(since)s AND g.time <= %(until)s
  AND g.systolic_mmhg IS NOT NULL AND g.diastolic_mmhg IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM reading_doubt d
      WHERE d.patient_id = g.patient_id AND d.measured_at = g.time
        AND starts_with(d.reading_key, g.kind || '/' || v.address || '/')
        AND d.answer IS DISTINCT FROM 'own'
  )
ORDER BY g.time LIMIT %(limit)s

-- What stands beside the readings of a resident: when a rule was met, when a device came.
-- name: marks
SELECT f.found_at AS at, f.rule_id AS code, 'finding' AS what
FROM finding f
WHERE f.patient_id = %(patient_id)s AND f.found_at >= %(since)s AND f.episode_id IS NOT NULL
UNION ALL
SELECT w.opened_at, w.rule_id, 'finding' FROM worklist_entry w
WHERE w.patient_id = %(patient_id)s AND w.opened_at >= %(since)s
UNION ALL
SELECT lower(b.valid), coalesce(v.model, v.address), 'device'
FROM device_binding b JOIN device v USING (device_id)
WHERE b.patient_id = %(patient_id)s AND lower(b.valid) >= %(since)s
ORDER BY 1 LIMIT %(limit)s

-- Episodes of the last weeks by severity, and how many answered ones a doctor called true.
-- name: burden
SELECT t.team_id, t.name AS team_name,
    (SELECT count(*) FROM patient r WHERE r.team_id = t.team_id) AS residents,
    count(*) FILTER (WHERE e.severity = 'page_now') AS pages,
    count(*) FILTER (WHERE e.severity = 'today') AS tasks,
    (
        SELECT count(*) FROM worklist_entry w JOIN patient r USING (patient_id)
        WHERE r.team_id = t.team_id AND w.opened_at >= %(since)s AND w.opened_at <= %(now)s
          AND w.severity IN ('page_now', 'today', 'this_week')
    ) AS entries,
    count(*) FILTER (WHERE e.disposition IS NOT NULL AND e.disposition <> 'snoozed') AS judged,
    count(*) FILTER (
        WHERE e.disposition IS NOT NULL
          AND e.disposition NOT IN ('false_alarm', 'technical', 'snoozed')
    ) AS true_alerts
FROM team t
LEFT JOIN (
    SELECT e.*, r.team_id FROM episode e JOIN patient r USING (patient_id)
    WHERE e.opened_at >= %(since)s AND e.opened_at <= %(now)s
      AND e.state NOT IN ('suspected', 'dismissed')
) e ON e.team_id = t.team_id
WHERE (%(team)s::text IS NULL OR t.team_id = %(team)s)
  AND NOT EXISTS (SELECT FROM resident r WHERE r.team_id = t.team_id AND r.synthetic)
GROUP BY t.team_id, t.name
ORDER BY t.name, t.team_id

-- What a rule set on trial would have asked for: findings of one resident and family within a day
-- of each other are one, as an episode would make of them.
-- name: shadow_burden
SELECT found.team_id, found.digest, s.name,
    count(*) FILTER (WHERE severity = 'page_now') AS pages,
    count(*) FILTER (WHERE severity = 'today') AS tasks,
    count(*) FILTER (WHERE severity = 'this_week') AS entries
FROM (
    SELECT r.team_id, f.digest, f.severity,
        f.found_at - lag(f.found_at) OVER (
            PARTITION BY f.patient_id, f.digest, coalesce(f.family, f.rule_id), f.severity
            ORDER BY f.found_at
        ) AS after
    FROM shadow_finding f JOIN patient r USING (patient_id)
    WHERE f.found_at >= %(since)s AND f.found_at <= %(now)s
      AND (%(team)s::text IS NULL OR r.team_id = %(team)s)
) found
JOIN ruleset s ON s.digest = found.digest
WHERE found.after IS NULL OR found.after > %(joins_within)s
GROUP BY found.team_id, found.digest, s.name
ORDER BY found.team_id, s.name, found.digest

-- name: treatment
SELECT c.change_id, c.signal, c.change, c.from_day, c.note, c.set_at,
    coalesce(d.name, c.set_by) AS set_by_name, c.taken_back_at,
    coalesce(b.name, c.taken_back_by) AS taken_back_by_name
FROM treatment_change c
LEFT JOIN doctor d ON d.doctor_id = c.set_by
LEFT JOIN doctor b ON b.doctor_id = c.taken_back_by
WHERE c.patient_id = %(patient_id)s
ORDER BY c.from_day DESC, c.change_id DESC LIMIT %(limit)s

-- name: add_treatment
-- The same once more, from a second click or another tab, is no second change.
INSERT INTO treatment_change (patient_id, signal, change, from_day, note, set_by, set_at)
SELECT %(patient_id)s, %(signal)s, %(change)s, %(from_day)s, %(note)s, %(doctor_id)s, %(now)s
WHERE NOT EXISTS (
    SELECT FROM treatment_change
    WHERE patient_id = %(patient_id)s AND signal = %(signal)s AND change = %(change)s
      AND from_day = %(from_day)s AND taken_back_at IS NULL
)

-- name: take_back_treatment
UPDATE treatment_change SET taken_back_by = %(doctor_id)s, taken_back_at = %(now)s
WHERE change_id = %(change_id)s AND patient_id = %(patient_id)s AND taken_back_at IS NULL
RETURNING from_day

-- What doctors said of the episodes of each rule: a silence says nothing about it.
-- name: ledger
SELECT e.rule_id, count(*) AS episodes,
    count(*) FILTER (WHERE e.disposition IS NOT NULL AND e.disposition <> 'snoozed') AS judged,
    count(*) FILTER (WHERE e.disposition = 'false_alarm') AS false_alarms,
    count(*) FILTER (WHERE e.disposition = 'technical') AS technical
FROM episode e JOIN resident r USING (patient_id)
WHERE e.opened_at >= %(since)s AND e.opened_at <= %(now)s
  AND e.state NOT IN ('suspected', 'dismissed') AND NOT r.synthetic
  AND (%(team)s::text IS NULL OR r.team_id = %(team)s)
GROUP BY e.rule_id
ORDER BY count(*) DESC, e.rule_id
