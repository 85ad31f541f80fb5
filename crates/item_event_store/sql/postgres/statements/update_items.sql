-- $1: the ledger. $2, $3: revisions. Items changed after the first, up to the second, as their last
-- change there says.
UPDATE items AS i SET
  name = c.name, sku = c.sku, unit = c.unit, allow_negative = c.allow_negative,
  archived_at = c.archived_at, updated_at = c.updated_at, revision = c.revision
FROM (
  SELECT DISTINCT ON (item_id) * FROM item_changes
  WHERE ledger_id = $1 AND revision > $2 AND revision <= $3 ORDER BY item_id, revision DESC) AS c
WHERE i.ledger_id = $1 AND i.id = c.item_id
