-- ?1, ?2: revisions after the first, up to the second.
SELECT revision, item_id, action, actor, position,
  name, sku, unit, allow_negative, archived_at, created_at, updated_at
FROM item_changes WHERE revision > ?1 AND revision <= ?2 ORDER BY revision
