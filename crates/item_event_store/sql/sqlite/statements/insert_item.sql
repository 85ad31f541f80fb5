-- ?1: the revision of the change that made it.
INSERT INTO items (
  id, name, sku, unit, allow_negative, archived_at, created_at, updated_at, revision)
SELECT item_id, name, sku, unit, allow_negative, archived_at, created_at, updated_at, revision
FROM item_changes WHERE revision = ?1
