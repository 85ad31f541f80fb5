-- ?1: the item. ?2: a time. ?3: a position at or before which nothing took effect later than that.
SELECT coalesce(sum(quantity_change), 0) FROM item_event_store
WHERE item_id = ?1 AND id > ?3 AND coalesce(occurred_at, created_at) > ?2
