-- Rows beyond what the head says, a sentence for each, the first fifty of a table.
SELECT * FROM (
  SELECT 'event ' || e.id || ' is beyond the head'
  FROM ledgers AS l JOIN item_event_store AS e ON e.id > l.position ORDER BY e.id LIMIT 50)
UNION ALL
SELECT * FROM (
  SELECT 'request ' || r.id || ' is beyond the head'
  FROM ledgers AS l JOIN requests AS r ON r.id > l.last_request_id ORDER BY r.id LIMIT 50)
UNION ALL
SELECT * FROM (
  SELECT 'change ' || c.revision || ' of items is beyond the head'
  FROM ledgers AS l JOIN item_changes AS c ON c.revision > l.items_revision
  ORDER BY c.revision LIMIT 50)
