-- No parameters. Where a batch's events wait for append_events.
CREATE TEMP TABLE staged_events (
  id INTEGER PRIMARY KEY, item_id, quantity_change, reason, created_at, version, quantity_after, kind, occurred_at,
  actor, reference, note, corrects_event_id, request_id, previous_event_id, jump_event_id)
