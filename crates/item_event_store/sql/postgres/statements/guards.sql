-- No parameters. The triggers on our tables, each with whether it is in force.
SELECT t.tgname::text, t.tgenabled = 'O' FROM pg_trigger AS t
WHERE NOT t.tgisinternal AND t.tgrelid IN ('ledgers'::regclass, 'items'::regclass,
  'item_changes'::regclass, 'requests'::regclass, 'item_event_store'::regclass,
  'item_inventory'::regclass, 'item_daily_summary'::regclass, 'summaries'::regclass)
ORDER BY t.tgname
