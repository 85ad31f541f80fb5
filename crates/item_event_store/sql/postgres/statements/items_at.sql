-- $1: the ledger. $2: the items. $3: the revision. In the order of the ids given.
SELECT revision, item_id, action, actor, position,
  c.name, sku, unit, allow_negative, archived_at, created_at, updated_at
FROM unnest($2::bigint[]) WITH ORDINALITY AS w (wanted, place)
CROSS JOIN LATERAL (
  SELECT * FROM item_changes AS h
  WHERE h.ledger_id = $1 AND h.item_id = w.wanted AND h.revision <= $3
  ORDER BY h.revision DESC LIMIT 1) AS c
ORDER BY w.place
