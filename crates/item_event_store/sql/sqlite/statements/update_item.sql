-- ?1: the revision of the change. ?2: its item.
UPDATE items SET (name, sku, unit, allow_negative, archived_at, updated_at, revision) = (
  SELECT name, sku, unit, allow_negative, archived_at, updated_at, revision
  FROM item_changes WHERE revision = ?1)
WHERE id = ?2
