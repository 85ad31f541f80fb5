-- The columns, in this order.
INSERT INTO temp.staged_events (
  id, item_id, quantity_change, reason, created_at, version, quantity_after, kind, occurred_at,
  actor, reference, note, corrects_event_id, request_id, previous_event_id, jump_event_id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
