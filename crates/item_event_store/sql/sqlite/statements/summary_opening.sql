-- ?1: the item. ?2: the sum of its changes on days before this one.
SELECT coalesce(sum(quantity_change), 0) FROM item_daily_summary WHERE item_id = ?1 AND day < ?2
