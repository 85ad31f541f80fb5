-- $1: the ledger. $2, $3: revisions. Items made after the first, up to the second, as their last
-- change there says.
INSERT INTO items (
  ledger_id, id, name, sku, unit, allow_negative, archived_at, created_at, updated_at, revision)
SELECT DISTINCT ON (c.item_id)
  c.ledger_id, c.item_id, c.name, c.sku, c.unit, c.allow_negative, c.archived_at, c.created_at,
  c.updated_at, c.revision
FROM item_changes AS c
WHERE c.ledger_id = $1 AND c.revision > $2 AND c.revision <= $3 AND NOT EXISTS (
  SELECT FROM items AS i WHERE i.ledger_id = c.ledger_id AND i.id = c.item_id)
ORDER BY c.item_id, c.revision DESC
