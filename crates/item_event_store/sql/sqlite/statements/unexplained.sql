-- ?1: the items revision before the batch that is being written. Whether all of the batch is as the
-- guards want it: NULL, or what is not. The row triggers of the guards are off for the writer.
SELECT CASE
  WHEN position <> coalesce((SELECT max(id) FROM item_event_store), 0)
    OR position - writing_after <> (SELECT count(*) FROM item_event_store WHERE id > writing_after)
    OR last_request_id <> coalesce((SELECT max(id) FROM requests), 0)
    OR items_revision <> coalesce((SELECT max(revision) FROM item_changes), 0)
    THEN 'the head is not where the log ends'
  WHEN EXISTS (
    SELECT 1 FROM item_event_store AS e LEFT JOIN item_inventory AS c ON c.item_id = e.item_id
    WHERE e.id > writing_after AND (
      c.last_event_id IS NULL OR c.last_event_id < e.id
      OR (c.last_event_id = e.id AND (c.version <> e.version OR c.quantity <> e.quantity_after
        OR c.updated_at <> e.created_at))))
    THEN 'a count is not what the log says'
  WHEN EXISTS (
    SELECT 1 FROM item_changes AS h LEFT JOIN items AS i ON i.id = h.item_id
    LEFT JOIN item_inventory AS c ON c.item_id = h.item_id
    WHERE h.revision > ?1 AND (
      c.item_id IS NULL OR i.revision IS NULL OR i.revision < h.revision
      OR (i.revision = h.revision AND (i.name <> h.name OR i.sku IS NOT h.sku OR i.unit <> h.unit
        OR i.allow_negative <> h.allow_negative OR i.archived_at IS NOT h.archived_at
        OR i.created_at <> h.created_at OR i.updated_at <> h.updated_at))))
    THEN 'an item is not what its last change says'
END
FROM ledgers WHERE id = 1
