-- ?1: the position of the event that was corrected.
SELECT coalesce(sum(quantity_change), 0) FROM item_event_store WHERE corrects_event_id = ?1
