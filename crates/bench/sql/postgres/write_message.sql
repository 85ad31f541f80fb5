-- pgbench: an event into the item's stream.
\set item random(1, :items)
\set change random(1, 24)
SELECT message_store.write_message(
  gen_random_uuid()::varchar, 'item-' || :item::int, 'batch',
  jsonb_build_object('quantity', :change::int));
