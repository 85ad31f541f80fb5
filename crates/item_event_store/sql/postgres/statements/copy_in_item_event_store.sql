-- No parameters. Rows for the session's ledger.
COPY item_event_store (
  id, item_id, quantity_change, reason, created_at, version, quantity_after, kind, occurred_at,
  actor, reference, note, corrects_event_id, request_id)
FROM STDIN
