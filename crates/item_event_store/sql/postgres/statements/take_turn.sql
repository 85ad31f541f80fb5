-- $1: the ledger. $2: a position. The columns of head.sql, of the head that is locked until the
-- transaction ends, and those of balances_from.sql.
SELECT (t.head).position, (t.head).epoch, (t.head).items_revision, (t.head).counts_revision,
  (t.head).last_request_id, (t.head).last_created_at, (t.head).time_zone, (t.head).day_start_hour,
  (t.head).archived_at, (t.head).created_at,
  t.id, t.item_id, t.version, t.quantity_after, t.created_at
FROM ies_take_turn($1, $2) AS t WHERE (t.head).ledger_id = $1
