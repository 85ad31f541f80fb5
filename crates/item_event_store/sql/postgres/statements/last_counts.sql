-- $1: the ledger. $2: the items. Their latest counts or overrides; the condition is the index's.
SELECT c.* FROM unnest($2::bigint[]) AS w (wanted)
CROSS JOIN LATERAL (
  SELECT id, item_id, quantity_change, reason, created_at, version, quantity_after, kind, occurred_at,
  actor, reference, note, corrects_event_id, request_id
  FROM item_event_store AS e
  WHERE e.ledger_id = $1 AND e.item_id = w.wanted AND (e.kind = 'count' OR e.kind = 'override')
  ORDER BY e.id DESC LIMIT 1) AS c
