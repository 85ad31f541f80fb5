-- ?1: the position. ?2: the item. The event, and the item's event before it.
SELECT id, item_id, quantity_change, reason, created_at, version, quantity_after, kind, occurred_at,
  actor, reference, note, corrects_event_id, request_id, previous_event_id
FROM item_event_store WHERE id = ?1 AND item_id = ?2
