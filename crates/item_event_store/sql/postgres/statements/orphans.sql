-- $1: the ledger. Rows without the row that they belong to, a sentence for each, the first hundred.
(SELECT format('event %s has no row of items', e.id) FROM item_event_store AS e
  LEFT JOIN items AS i ON i.ledger_id = e.ledger_id AND i.id = e.item_id
  WHERE e.ledger_id = $1 AND i.id IS NULL LIMIT 50)
UNION ALL
(SELECT format('the count of item %s has no row of items', n.item_id) FROM item_inventory AS n
  LEFT JOIN items AS i ON i.ledger_id = n.ledger_id AND i.id = n.item_id
  WHERE n.ledger_id = $1 AND i.id IS NULL LIMIT 50)
