-- How many counts are not what the log adds up to, and how many ledgers' positions have gaps.
SELECT count(*) + (
  SELECT count(*) FROM ledgers AS l
  WHERE (SELECT count(*) FROM item_event_store AS e WHERE e.ledger_id = l.ledger_id) <> l.position
    OR (SELECT max(id) FROM item_event_store AS e WHERE e.ledger_id = l.ledger_id) <> l.position
) FROM item_inventory AS kept LEFT JOIN (
  SELECT ledger_id, item_id, sum(quantity_change) AS quantity
  FROM item_event_store GROUP BY ledger_id, item_id
) AS logged USING (ledger_id, item_id)
WHERE 1000000 + coalesce(logged.quantity, 0) <> kept.quantity;
