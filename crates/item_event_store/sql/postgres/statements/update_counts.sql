-- $1: the ledger. Then each column as an array, in this order. Counts that have a row: no lock of
-- its own for each, as put_counts.sql has to take.
UPDATE item_inventory AS n SET
  quantity = c.quantity, version = c.version, last_event_id = c.last_event_id,
  updated_at = c.updated_at
FROM unnest(
  $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[]
) AS c (item_id, quantity, version, last_event_id, updated_at)
WHERE n.ledger_id = $1 AND n.item_id = c.item_id
