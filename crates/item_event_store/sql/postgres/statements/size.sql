-- No parameters. The bytes of all tables with their indexes, and of the rows of all ledgers.
SELECT coalesce(sum(ies_size(c.oid)), 0)::bigint FROM pg_class AS c
WHERE c.oid IN ('items'::regclass, 'item_changes'::regclass, 'requests'::regclass,
  'item_event_store'::regclass, 'item_inventory'::regclass)
