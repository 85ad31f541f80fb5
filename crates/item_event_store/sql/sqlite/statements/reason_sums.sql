-- ?1: the item.
SELECT reason, kind, count(*), sum(quantity_change) FROM item_event_store
WHERE item_id = ?1 GROUP BY reason, kind
