-- $1: the ledger. $2: items. For each, in the order given: the item and its count, if there are any,
-- and the head's position. In one statement, so that all was true at one moment.
SELECT i.id, i.name, i.sku, i.unit, i.allow_negative,
  i.archived_at, i.created_at, i.updated_at, i.revision,
  n.quantity, n.version, n.last_event_id, n.created_at, n.updated_at, l.position
FROM ledgers AS l
CROSS JOIN unnest($2::bigint[]) WITH ORDINALITY AS w (wanted, place)
LEFT JOIN LATERAL (
  SELECT * FROM items AS a WHERE a.ledger_id = $1 AND a.id = w.wanted LIMIT 1) AS i ON true
LEFT JOIN LATERAL (
  SELECT * FROM item_inventory AS b
  WHERE b.ledger_id = $1 AND b.item_id = w.wanted LIMIT 1) AS n ON true
WHERE l.ledger_id = $1
ORDER BY w.place
