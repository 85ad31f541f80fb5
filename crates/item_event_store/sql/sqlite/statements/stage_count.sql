-- The columns, in this order.
INSERT INTO temp.staged_counts (item_id, quantity, version, last_event_id, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
