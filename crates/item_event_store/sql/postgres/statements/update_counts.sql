-- $1: the ledger. Then each column as an array, in this order, by item. Counts that have a row: no
-- lock of its own for each, as put_counts.sql has to take. No join, whose plan could read all counts
-- while there are no statistics: each row finds its place among the items by bisection.
UPDATE item_inventory AS n SET
  quantity = ($3::bigint[])[width_bucket(n.item_id::bigint, $2::bigint[])],
  version = ($4::bigint[])[width_bucket(n.item_id::bigint, $2::bigint[])],
  last_event_id = ($5::bigint[])[width_bucket(n.item_id::bigint, $2::bigint[])],
  updated_at = ($6::timestamptz[])[width_bucket(n.item_id::bigint, $2::bigint[])]
WHERE n.ledger_id = $1 AND n.item_id = ANY ($2::bigint[])
