-- $1: the ledger. $2: a position. Of the events from there on, each column as an array, as
-- ies_take_turn has them.
SELECT array_agg(e.id), array_agg(e.item_id), array_agg(e.version), array_agg(e.quantity_after),
  array_agg(e.created_at)
FROM (
  SELECT * FROM item_event_store AS e WHERE e.ledger_id = $1 AND e.id >= $2 ORDER BY e.id) AS e
