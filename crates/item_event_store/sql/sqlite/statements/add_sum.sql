-- The columns, in this order. A row that is there grows.
INSERT INTO item_daily_summary (day, item_id, reason, kind, events, quantity_change)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (day, item_id, reason, kind) DO UPDATE SET
  events = events + excluded.events, quantity_change = quantity_change + excluded.quantity_change
