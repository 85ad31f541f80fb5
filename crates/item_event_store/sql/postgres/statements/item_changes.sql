-- $1: the ledger. $2, $3: revisions after the first, up to the second.
SELECT revision, item_id, action, actor, position,
  name, sku, unit, allow_negative, archived_at, created_at, updated_at
FROM item_changes WHERE ledger_id = $1 AND revision > $2 AND revision <= $3 ORDER BY revision
