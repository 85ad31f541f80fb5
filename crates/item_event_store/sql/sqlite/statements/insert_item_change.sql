-- The columns, in this order.
INSERT INTO item_changes (
  revision, item_id, action, actor, position,
  name, sku, unit, allow_negative, archived_at, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
