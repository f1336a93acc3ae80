-- Everything ingest says to the database. Time is a parameter: only read_clock looks at a clock.

-- name: read_clock
SELECT clock_timestamp()

-- name: prepare_session
-- The lock of the active ingest must not outlive its machine: a silent client is let go in 25 s.
SELECT set_config('tcp_keepalives_idle', '10', false),
       set_config('tcp_keepalives_interval', '5', false),
       set_config('tcp_keepalives_count', '3', false),
       -- Readings go in as they are staged, in the order of their index: a sort by id undoes that.
       set_config('enable_mergejoin', 'off', false)

-- name: one_moment
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ

-- name: take_ingest_lock
SELECT pg_try_advisory_lock(%(key)s)

-- name: directory_gateways
SELECT gateway_id, tenant, public_key, withdrawn_at IS NOT NULL FROM gateway

-- name: directory_devices
SELECT device_id, address, gateway_id, station FROM device

-- name: directory_cards
SELECT digest, patient_id, lower(valid), upper(valid) FROM card WHERE NOT isempty(valid)

-- name: directory_bindings
SELECT device_id, user_slot, patient_id, lower(valid), upper(valid) FROM device_binding

-- name: registry_version
SELECT value FROM schema_meta WHERE key = 'registry_version'

-- name: mode
SELECT value FROM schema_meta WHERE key = 'mode'

-- name: partitions
SELECT c.relname FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'reading_kept'::regclass

-- name: make_staging
CREATE TEMPORARY TABLE IF NOT EXISTS staging (
    reading_id uuid NOT NULL, message_id bigint NOT NULL, LIKE reading_kept
) ON COMMIT DELETE ROWS

-- name: clear_staging
DELETE FROM staging

-- name: message_ids
SELECT nextval(pg_get_serial_sequence('ingest_message', 'message_id'))
FROM generate_series(1, %(count)s)

-- name: copy_messages
COPY ingest_message (message_id, received_at, gateway_id, payload, key_id, signature)
FROM STDIN (FORMAT BINARY)

-- name: copy_ledger
COPY ingest_ledger (reading_id, received_at, message_id, outcome) FROM STDIN (FORMAT BINARY)

-- name: copy_readings
COPY reading_kept (patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg, mean_mmhg,
    pulse_bpm, systolic_kpa, diastolic_kpa, mean_kpa, glucose_mmol_l, glucose_mg_dl, weight_kg,
    weight_lb, temperature_c, temperature_f, spo2_pct, unit, meal, record, user_slot, flags, place,
    doubt_s, device_time, device_offset_s, hub_after_ms, device_ahead_s, device_zone_s,
    received_after_ms)
FROM STDIN (FORMAT BINARY)

-- name: touch_days
-- What falls into a day that is closed already takes the daily round back to it.
UPDATE daily_progress p SET touched_at = least(p.touched_at, late.time)
FROM unnest(%(patients)s::integer[], %(times)s::timestamptz[]) AS late (patient_id, time)
WHERE p.patient_id = late.patient_id AND late.time < p.closed_until

-- name: copy_staging
COPY staging (reading_id, message_id, patient_id, time, device_id, kind, systolic_mmhg,
    diastolic_mmhg, mean_mmhg, pulse_bpm, systolic_kpa, diastolic_kpa, mean_kpa, glucose_mmol_l,
    glucose_mg_dl, weight_kg, weight_lb, temperature_c, temperature_f, spo2_pct, unit, meal, record,
    user_slot, flags, place, doubt_s, device_time, device_offset_s, hub_after_ms, device_ahead_s,
    device_zone_s, received_after_ms) FROM STDIN (FORMAT BINARY)

-- name: insert_readings
-- What is new in the ledger goes in; what was there before is a repetition. What went to quarantine
-- before and can be used now (registered since, say) becomes a row. What falls into a day that is
-- closed already takes the daily round back to it. Staged are no two with one id or one key.
WITH entered AS (
    INSERT INTO ingest_ledger (reading_id, received_at, message_id, outcome)
    SELECT reading_id, %(now)s, message_id, 'stored' FROM staging
    ON CONFLICT (reading_id) DO UPDATE
    SET received_at = EXCLUDED.received_at, message_id = EXCLUDED.message_id,
        outcome = EXCLUDED.outcome
    WHERE ingest_ledger.outcome = 'quarantined'
    RETURNING reading_id
), fresh AS (
    INSERT INTO reading_kept (patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg,
        mean_mmhg, pulse_bpm, systolic_kpa, diastolic_kpa, mean_kpa, glucose_mmol_l, glucose_mg_dl,
        weight_kg, weight_lb, temperature_c, temperature_f, spo2_pct, unit, meal, record, user_slot,
        flags, place, doubt_s, device_time, device_offset_s, hub_after_ms, device_ahead_s,
        device_zone_s, received_after_ms)
    SELECT s.patient_id, s.time, s.device_id, s.kind, s.systolic_mmhg, s.diastolic_mmhg,
        s.mean_mmhg, s.pulse_bpm, s.systolic_kpa, s.diastolic_kpa, s.mean_kpa, s.glucose_mmol_l,
        s.glucose_mg_dl, s.weight_kg, s.weight_lb, s.temperature_c, s.temperature_f, s.spo2_pct,
        s.unit, s.meal, s.record, s.user_slot, s.flags, s.place, s.doubt_s, s.device_time,
        s.device_offset_s, s.hub_after_ms, s.device_ahead_s, s.device_zone_s, s.received_after_ms
    FROM staging s JOIN entered USING (reading_id)
    ON CONFLICT DO NOTHING
    RETURNING patient_id, time, kind
), touched AS (
    UPDATE daily_progress p SET touched_at = least(p.touched_at, late.time)
    FROM (
        SELECT patient_id, min(time) AS time FROM fresh WHERE judged(kind) GROUP BY patient_id
    ) AS late
    WHERE p.patient_id = late.patient_id AND late.time < p.closed_until
)
SELECT array_agg(DISTINCT patient_id) FILTER (WHERE judged(kind)),
    (SELECT count(*) FROM entered) > count(*)
FROM fresh

-- name: insert_conflicts
-- Another record under the same resident, time, device and kind: both are kept. Whether it is
-- another one shows in what the device said (a meter's LO and HI differ in their flags alone); the
-- same under a new id is a repetition.
WITH clash AS (
    SELECT s.reading_id, s.patient_id, s.time, s.device_id, s.kind,
        moment_after(s.time, s.received_after_ms) AS received_at,
        to_jsonb(r) AS stored,
        to_jsonb(s) - '{reading_id, message_id, hub_after_ms, received_after_ms,
                        device_ahead_s, device_zone_s}'::text[] || jsonb_build_object(
            'device_time', coalesce(s.device_time, device_words(s.time, s.device_ahead_s)),
            'device_offset_s', coalesce(
                s.device_offset_s, device_offset(s.time, s.device_ahead_s, s.device_zone_s)),
            'hub_time', moment_after(s.time, s.hub_after_ms),
            'received_at', moment_after(s.time, s.received_after_ms),
            'place', coalesce(s.place, 'home')
        ) AS arrived,
        (s.systolic_mmhg, s.diastolic_mmhg, s.mean_mmhg, s.pulse_bpm, s.systolic_kpa,
         s.diastolic_kpa, s.mean_kpa, s.glucose_mmol_l, s.glucose_mg_dl, s.weight_kg, s.weight_lb,
         s.temperature_c, s.temperature_f, s.spo2_pct, s.unit, s.meal, s.user_slot, s.flags)
        IS DISTINCT FROM
        (r.systolic_mmhg, r.diastolic_mmhg, r.mean_mmhg, r.pulse_bpm, r.systolic_kpa,
         r.diastolic_kpa, r.mean_kpa, r.glucose_mmol_l, r.glucose_mg_dl, r.weight_kg, r.weight_lb,
         r.temperature_c, r.temperature_f, r.spo2_pct, r.unit, r.meal, r.user_slot, r.flags)
            AS differs
    FROM staging s
    JOIN ingest_ledger l USING (reading_id, message_id)
    JOIN reading r ON (r.patient_id, r.time, r.device_id, r.kind)
                    = (s.patient_id, s.time, s.device_id, s.kind)
), kept AS (
    INSERT INTO reading_conflict (reading_id, received_at, patient_id, time, device_id, kind,
                                  stored, arrived)
    SELECT reading_id, received_at, patient_id, time, device_id, kind, stored, arrived
    FROM clash WHERE differs
    ON CONFLICT DO NOTHING
    RETURNING reading_id
)
UPDATE ingest_ledger SET outcome = 'conflict' WHERE reading_id IN (SELECT reading_id FROM kept)

-- name: upsert_latest
-- Of what is staged only what has just gone in. One that came a second time may tell another time
-- than the one that is stored: the device's clock was compared with another anew.
INSERT INTO patient_latest (patient_id, kind, time, received_at, device_id, unit, systolic_mmhg,
    diastolic_mmhg, pulse_bpm, glucose_mmol_l, glucose_mg_dl, weight_kg, temperature_c, spo2_pct,
    meal, flags, values_at)
SELECT DISTINCT ON (s.patient_id, s.kind) s.patient_id, s.kind, s.time,
    moment_after(s.time, s.received_after_ms), s.device_id, s.unit, s.systolic_mmhg,
    s.diastolic_mmhg, s.pulse_bpm, s.glucose_mmol_l, s.glucose_mg_dl, s.weight_kg, s.temperature_c,
    s.spo2_pct, s.meal, s.flags, s.time
FROM staging s
-- One by one: a join would read all of a ledger of which few statistics are known.
WHERE (
    SELECT outcome FROM ingest_ledger l
    WHERE l.reading_id = s.reading_id AND l.message_id = s.message_id
) = 'stored'
ORDER BY s.patient_id, s.kind, s.time DESC, s.device_id
ON CONFLICT (patient_id, kind) DO UPDATE
SET time = EXCLUDED.time, received_at = EXCLUDED.received_at, device_id = EXCLUDED.device_id,
    unit = EXCLUDED.unit, systolic_mmhg = EXCLUDED.systolic_mmhg,
    diastolic_mmhg = EXCLUDED.diastolic_mmhg, pulse_bpm = EXCLUDED.pulse_bpm,
    glucose_mmol_l = EXCLUDED.glucose_mmol_l, glucose_mg_dl = EXCLUDED.glucose_mg_dl,
    weight_kg = EXCLUDED.weight_kg, temperature_c = EXCLUDED.temperature_c,
    spo2_pct = EXCLUDED.spo2_pct, meal = EXCLUDED.meal, flags = EXCLUDED.flags,
    values_at = EXCLUDED.values_at
WHERE patient_latest.time < EXCLUDED.time
   OR patient_latest.time = EXCLUDED.time
      AND coalesce(EXCLUDED.device_id < patient_latest.device_id, true)

-- name: ledger_one
INSERT INTO ingest_ledger (reading_id, received_at, message_id, outcome)
VALUES (%(reading_id)s, %(received_at)s, %(message_id)s, %(outcome)s)
ON CONFLICT (reading_id) DO UPDATE
SET received_at = EXCLUDED.received_at, message_id = EXCLUDED.message_id, outcome = EXCLUDED.outcome
WHERE ingest_ledger.outcome = 'quarantined' AND EXCLUDED.outcome <> 'quarantined'
RETURNING reading_id

-- name: insert_symptoms
INSERT INTO symptom_report (reading_id, patient_id, time, received_at, symptoms)
VALUES (%(reading_id)s, %(patient_id)s, %(time)s, %(received_at)s, %(symptoms)s)

-- name: insert_device_event
INSERT INTO device_event (reading_id, gateway_id, device, code, time, received_at)
VALUES (%(reading_id)s, %(gateway_id)s, %(device)s, %(code)s, %(time)s, %(received_at)s)

-- name: insert_help_call
INSERT INTO help_call (reading_id, patient_id, time, received_at)
SELECT %(reading_id)s, unnest(%(patients)s::integer[]), %(time)s, %(received_at)s

-- name: queue_evaluations
INSERT INTO eval_queue (patient_id, queued_at)
SELECT unnest(%(patients)s::integer[]), %(now)s

-- name: gateway_birth
-- A word of an older start is out of date, and so is its will.
UPDATE gateway SET boot = %(boot)s, version = %(version)s, online = true, seen_at = %(now)s,
    machine = %(machine)s
WHERE gateway_id = %(gateway_id)s AND (boot IS NULL OR boot <= %(boot)s)

-- name: gateway_status
UPDATE gateway SET online = %(online)s, seen_at = %(now)s, waiting = %(waiting)s,
    boot = %(boot)s
WHERE gateway_id = %(gateway_id)s AND (boot IS NULL OR boot <= %(boot)s)

-- name: unsent_commands
-- One that is withdrawn goes out once more, and has expired then.
SELECT c.command_id, g.tenant, c.gateway_id, c.device, c.do_what, c.text_zh, c.text_en,
       coalesce(c.withdrawn_at, c.expires_at), c.show_at, c.expires_at AS worth_until
FROM command c JOIN gateway g USING (gateway_id)
WHERE c.sent_at IS NULL AND c.expires_at > %(now)s
  -- An older gateway knows no date, and would say it at once: it is told when it is time.
  AND (c.show_at IS NULL OR c.show_at <= %(now)s OR EXISTS (
    SELECT FROM gateway_configuration_state s WHERE s.gateway_id = c.gateway_id))
ORDER BY c.created_at LIMIT 100

-- name: command_sent
-- Unless it was withdrawn, or wanted again, at that very moment: that has to go out as well.
UPDATE command SET sent_at = %(now)s
WHERE command_id = %(command_id)s AND coalesce(withdrawn_at, expires_at) = %(expires_at)s

-- name: command_result
UPDATE command SET outcome = %(outcome)s
WHERE command_id = %(command_id)s AND gateway_id = %(gateway_id)s

-- name: gateway_configuration_state
-- Whoever is behind what is wished is sent that again.
WITH told AS (
    INSERT INTO gateway_configuration_state (gateway_id, revision, outcome, code, field, in_force,
        local, boot, told_at)
    VALUES (%(gateway_id)s, %(revision)s, %(outcome)s, %(code)s, %(field)s, %(in_force)s,
        %(local)s, %(boot)s, %(told_at)s)
    ON CONFLICT (gateway_id) DO UPDATE SET revision = EXCLUDED.revision,
        outcome = EXCLUDED.outcome, code = EXCLUDED.code, field = EXCLUDED.field,
        in_force = EXCLUDED.in_force, local = EXCLUDED.local, boot = EXCLUDED.boot,
        told_at = EXCLUDED.told_at
)
UPDATE gateway_configuration SET sent_at = NULL
WHERE gateway_id = %(gateway_id)s AND revision > %(revision)s AND revision = (
    SELECT max(revision) FROM gateway_configuration WHERE gateway_id = %(gateway_id)s)

-- name: notify
SELECT pg_notify(%(channel)s, %(payload)s)

-- name: registry_teams
INSERT INTO team (team_id, name, zone) VALUES (%(id)s, %(name)s, %(zone)s)
ON CONFLICT (team_id) DO UPDATE SET name = EXCLUDED.name, zone = EXCLUDED.zone

-- name: registry_doctors
INSERT INTO doctor (doctor_id, team_id, name, language)
VALUES (%(id)s, %(team)s, %(name)s, %(language)s)
ON CONFLICT (doctor_id) DO UPDATE
SET team_id = EXCLUDED.team_id, name = EXCLUDED.name, language = EXCLUDED.language

-- name: registry_clear_contacts
DELETE FROM contact WHERE doctor_id = %(id)s

-- name: registry_contacts
INSERT INTO contact (doctor_id, position, channel, address)
VALUES (%(id)s, %(position)s, %(channel)s, %(address)s)

-- name: registry_duty
UPDATE team SET duty_doctor_id = %(duty_doctor)s WHERE team_id = %(id)s

-- name: registry_gateways
-- A new key is a new machine, which counts its starts from the beginning. Where the file has none,
-- and where the gateway brought its own (ADR 26), the key that is there stays, and is told.
INSERT INTO gateway (gateway_id, tenant, public_key)
VALUES (%(id)s, %(tenant)s, %(public_key)s)
ON CONFLICT (gateway_id) DO UPDATE
SET tenant = EXCLUDED.tenant,
    public_key = CASE WHEN EXCLUDED.public_key = '' OR gateway.enrolled_at IS NOT NULL
                      THEN gateway.public_key ELSE EXCLUDED.public_key END,
    boot = CASE WHEN EXCLUDED.public_key IN ('', gateway.public_key) THEN gateway.boot END
RETURNING public_key

-- name: registry_devices
INSERT INTO device (address, model, gateway_id, station)
VALUES (%(address)s, %(model)s, %(gateway)s, %(station)s)
ON CONFLICT (address) DO UPDATE
SET model = EXCLUDED.model, gateway_id = EXCLUDED.gateway_id, station = EXCLUDED.station

-- name: registry_residents
INSERT INTO resident (code, name, birth_year, sex, team_id, doctor_id, address, phone,
                      emergency_contact, synthetic)
VALUES (%(id)s, %(name)s, %(birth_year)s, %(sex)s, %(team)s, %(doctor)s, %(address)s, %(phone)s,
        %(emergency_contact)s, %(synthetic)s)
ON CONFLICT (code) DO UPDATE
SET name = EXCLUDED.name, birth_year = EXCLUDED.birth_year, sex = EXCLUDED.sex,
    team_id = EXCLUDED.team_id, doctor_id = EXCLUDED.doctor_id,
    synthetic = EXCLUDED.synthetic, address = EXCLUDED.address,
    phone = EXCLUDED.phone, emergency_contact = EXCLUDED.emergency_contact

-- name: registry_clear_caregivers
-- Nobody is deleted: notices that were sent name them.
UPDATE caregiver SET notices = '{}' WHERE notices <> '{}'

-- name: registry_caregivers
INSERT INTO caregiver (patient_id, name, channel, address, language, consent_at, notices)
SELECT patient_id, %(name)s, %(channel)s, %(address)s, %(language)s, %(consent_at)s, %(notices)s
FROM resident WHERE code = %(resident)s
ON CONFLICT (patient_id, channel, address) DO UPDATE SET name = EXCLUDED.name,
    language = EXCLUDED.language, consent_at = EXCLUDED.consent_at, notices = EXCLUDED.notices

-- name: registry_clear_bindings
DELETE FROM device_binding

-- name: registry_bindings
INSERT INTO device_binding (device_id, user_slot, patient_id, valid)
SELECT d.device_id, %(slot)s, r.patient_id, %(valid)s
FROM device d, resident r
WHERE d.address = %(device)s AND r.code = %(resident)s

-- name: registry_clear_cards
UPDATE card SET valid = 'empty' WHERE NOT isempty(valid)

-- name: registry_cards
INSERT INTO card (digest, patient_id, valid)
SELECT %(digest)s, patient_id, %(valid)s FROM resident WHERE code = %(resident)s
ON CONFLICT (digest) DO UPDATE SET patient_id = EXCLUDED.patient_id, valid = EXCLUDED.valid

-- name: registry_bump
INSERT INTO schema_meta (key, value) VALUES ('registry_version', %(version)s)
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value

-- name: registry_profiles
-- Unless the file said the same the last time it said something.
INSERT INTO resident_profile (patient_id, valid_from, groups, targets, options, set_by)
SELECT r.patient_id, %(now)s, %(groups)s, %(targets)s, %(options)s, 'registry'
FROM resident r
LEFT JOIN LATERAL (
    SELECT p.groups, p.targets, p.options FROM resident_profile p
    WHERE p.patient_id = r.patient_id AND p.set_by = 'registry'
    ORDER BY p.profile_id DESC LIMIT 1
) said ON true
WHERE r.code = %(code)s
  AND (said.groups, said.targets, said.options)
      IS DISTINCT FROM (%(groups)s::text[], %(targets)s::jsonb, %(options)s::text[])
RETURNING patient_id

-- name: ledger_quarantined
-- Only what is new is entered: whatever the ledger says of an id, a refusal changes nothing.
INSERT INTO ingest_ledger (reading_id, received_at, message_id, outcome)
SELECT reading_id, %(now)s, message_id, 'quarantined'
FROM unnest(%(ids)s::uuid[], %(message_ids)s::bigint[]) AS came (reading_id, message_id)
ON CONFLICT DO NOTHING
RETURNING reading_id

-- name: copy_quarantine
COPY quarantine (received_at, gateway_id, topic, reason, detail, payload, reading_id, patient_id,
    measured_at, message_id, key_id, signature) FROM STDIN (FORMAT BINARY)
