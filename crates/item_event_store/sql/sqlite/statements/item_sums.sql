-- ?1, ?2: positions after the first, up to the second. Each item that has events there: how many, the
-- sum of their changes; then what the last of them says, and where it is.
SELECT s.item_id, s.events, s.quantity_change, e.version, e.quantity_after, e.id
FROM (
  SELECT item_id, count(*) AS events, sum(quantity_change) AS quantity_change, max(id) AS last
  FROM item_event_store WHERE id > ?1 AND id <= ?2 GROUP BY item_id) AS s
JOIN item_event_store AS e ON e.id = s.last
