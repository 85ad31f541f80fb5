-- The columns, in this order.
INSERT INTO item_event_store (
  id, item_id, quantity_change, reason, created_at, version, quantity_after, kind, occurred_at,
  actor, reference, note, corrects_event_id, request_id, previous_event_id,
  middle_event_id, jump_event_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
