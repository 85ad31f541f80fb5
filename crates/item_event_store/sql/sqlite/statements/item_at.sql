-- ?1: the item. ?2: the revision.
SELECT revision, item_id, action, actor, position,
  name, sku, unit, allow_negative, archived_at, created_at, updated_at
FROM item_changes WHERE item_id = ?1 AND revision <= ?2 ORDER BY revision DESC LIMIT 1
