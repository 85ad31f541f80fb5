-- $1: the ledger. $2: the keys. One look into the index for each, whatever a planner without values
-- would rather do.
SELECT r.id, r.key, r.hash, r.actor, r.created_at, r.position, r.outcome
FROM unnest($2::text[]) AS w (wanted)
CROSS JOIN LATERAL (
  SELECT * FROM requests AS q WHERE q.ledger_id = $1 AND q.key = w.wanted LIMIT 1) AS r
