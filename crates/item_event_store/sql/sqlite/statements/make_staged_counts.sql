-- No parameters. Where a batch's counts wait for put_counts.
CREATE TEMP TABLE staged_counts (
  item_id INTEGER PRIMARY KEY, quantity, version, last_event_id, created_at, updated_at)
