-- No parameters. The rows of the session's ledger.
COPY (SELECT id, item_id, quantity_change, reason, created_at, version, quantity_after, kind, occurred_at,
  actor, reference, note, corrects_event_id, request_id
  FROM item_event_store WHERE ledger_id = current_setting('ies.ledger') ORDER BY id) TO STDOUT
