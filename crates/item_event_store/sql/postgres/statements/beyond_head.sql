-- $1: the ledger. Rows beyond what the head says, a sentence for each, the first fifty of a table.
(SELECT format('event %s is beyond the head', e.id)
  FROM item_event_store AS e JOIN ledgers AS l ON l.ledger_id = e.ledger_id
  WHERE e.ledger_id = $1 AND e.id > l.position ORDER BY e.id LIMIT 50)
UNION ALL
(SELECT format('request %s is beyond the head', r.id)
  FROM requests AS r JOIN ledgers AS l ON l.ledger_id = r.ledger_id
  WHERE r.ledger_id = $1 AND r.id > l.last_request_id ORDER BY r.id LIMIT 50)
UNION ALL
(SELECT format('change %s of items is beyond the head', c.revision)
  FROM item_changes AS c JOIN ledgers AS l ON l.ledger_id = c.ledger_id
  WHERE c.ledger_id = $1 AND c.revision > l.items_revision ORDER BY c.revision LIMIT 50)
