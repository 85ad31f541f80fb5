-- $1: the ledger. $2: the head's position. $3: a time. The last position recorded at or before it:
-- a binary search, for created_at never decreases with the position. Then what is left to search:
-- more than 1 when an event is missing.
WITH RECURSIVE search (known, beyond) AS (
  SELECT 0::bigint, $2::bigint + 1
  UNION ALL
  SELECT
    CASE WHEN e.created_at <= $3 THEN e.id ELSE s.known END,
    CASE WHEN e.created_at <= $3 THEN s.beyond ELSE e.id END
  FROM search AS s JOIN item_event_store AS e
    ON e.ledger_id = $1 AND e.id = s.known + (s.beyond - s.known) / 2
  WHERE s.beyond - s.known > 1)
SELECT known, beyond - known FROM search ORDER BY beyond - known LIMIT 1
