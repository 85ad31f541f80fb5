-- In one snapshot: by how much the counts differ from the log. Every change is 1.
SELECT (SELECT coalesce(sum(quantity_change), 0) FROM item_event_store)::bigint
  - (SELECT coalesce(sum(quantity), 0) FROM item_inventory)::bigint;
