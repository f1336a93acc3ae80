-- What a person does with an episode. Times are parameters.

-- name: patient_of_answer
SELECT patient_id FROM episode WHERE episode_id = %(episode_id)s

-- name: episode_to_move
-- With who holds it, and what the doctor who acts is to the resident: the signed doctor, of the
-- team, or called for it.
SELECT holder.name AS holder_name,
       CASE
           WHEN r.doctor_id = %(doctor_id)s THEN 'own'
           WHEN EXISTS (SELECT FROM doctor d
                        WHERE d.doctor_id = %(doctor_id)s AND d.team_id = r.team_id) THEN 'team'
           WHEN e.handed_to = %(doctor_id)s OR t.duty_doctor_id = %(doctor_id)s
             OR EXISTS (SELECT FROM page p
                        WHERE p.episode_id = e.episode_id AND p.doctor_id = %(doctor_id)s)
             THEN 'called'
           ELSE 'other'
       END AS relation,
       e.episode_id, e.family, e.state, e.rule_id, e.severity, e.level, e.confirmed, e.measured_at,
       e.opened_at, e.level_since, e.round, e.last_evidence_at, e.normal_rounds, e.answered_at,
       e.tier, e.disposition, e.answered_by, e.reopens_at, e.handed_to
FROM episode e
JOIN resident r USING (patient_id)
JOIN team t ON t.team_id = r.team_id
LEFT JOIN doctor holder ON holder.doctor_id = e.answered_by
WHERE e.episode_id = %(episode_id)s

-- name: colleagues
-- Whom an episode may be handed over to: the team, who is on duty for it, and who was called for
-- it already; only who can be reached.
SELECT d.doctor_id, d.name
FROM episode e
JOIN resident r USING (patient_id)
JOIN team t ON t.team_id = r.team_id
JOIN doctor d ON d.team_id = r.team_id OR d.doctor_id = t.duty_doctor_id
  OR EXISTS (SELECT FROM page p WHERE p.episode_id = e.episode_id AND p.doctor_id = d.doctor_id)
WHERE e.episode_id = %(episode_id)s
  AND EXISTS (SELECT FROM contact c WHERE c.doctor_id = d.doctor_id)
ORDER BY d.name, d.doctor_id
