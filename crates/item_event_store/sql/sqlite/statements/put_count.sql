-- The columns, in this order.
INSERT INTO item_inventory (item_id, quantity, version, last_event_id, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (item_id) DO UPDATE SET
  quantity = excluded.quantity, version = excluded.version,
  last_event_id = excluded.last_event_id, updated_at = excluded.updated_at
