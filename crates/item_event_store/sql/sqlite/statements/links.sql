-- ?1: the position. ?2: the item.
SELECT version, previous_event_id, middle_event_id, jump_event_id
FROM item_event_store WHERE id = ?1 AND item_id = ?2
