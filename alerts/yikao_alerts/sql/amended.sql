-- Episodes whose readings turned out to be another resident's.

-- name: made_of
-- A resident's episodes that rest on some of these readings and reports, named by their keys, or
-- that one of them began; and on how many.
WITH moved AS (
    SELECT * FROM unnest(%(keys)s::text[], %(times)s::timestamptz[]) AS m (key, time)
), used AS (
    SELECT f.episode_id, m.key
    FROM finding f
    CROSS JOIN LATERAL jsonb_array_elements(
        coalesce(f.evidence -> 'readings', '[]') || coalesce(f.evidence -> 'reports', '[]')
    ) AS one
    JOIN moved m ON m.key = one ->> 'key'
    WHERE f.patient_id = %(patient_id)s AND f.episode_id IS NOT NULL
    UNION
    SELECT e.episode_id, m.key
    FROM episode e JOIN moved m ON m.time = e.measured_at
    WHERE e.patient_id = %(patient_id)s
)
SELECT episode_id, state, count(*) FROM used JOIN episode USING (episode_id)
GROUP BY episode_id, state ORDER BY episode_id
