-- ?1: the position.
SELECT created_at FROM item_event_store WHERE id = ?1
