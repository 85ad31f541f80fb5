-- A batch: positions from the ledger's row, the events, and by the trigger the counts.
-- $1: the ledger, $2: items, $3: changes, $4: reasons.
WITH head AS (
  UPDATE ledgers SET position = position + cardinality($2::integer[])
  WHERE ledger_id = $1::text
  RETURNING position - cardinality($2::integer[]) AS base
)
INSERT INTO item_event_store (ledger_id, id, item_id, quantity_change, reason)
SELECT $1::text, head.base + moved.number, moved.item_id, moved.quantity_change, moved.reason
FROM head, unnest($2::integer[], $3::integer[], $4::text[])
  WITH ORDINALITY AS moved (item_id, quantity_change, reason, number);
