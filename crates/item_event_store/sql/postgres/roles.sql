-- Roles and what they may do. For a database administrator, who runs it in the store's database
-- after the migrations, and again after later ones. ies_owner owns the tables and migrates them,
-- ies_app is the service's, ies_read only looks. None of them is a superuser.
DO $$
DECLARE
  role_name TEXT;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['ies_owner', 'ies_app', 'ies_read'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', role_name);
    END IF;
  END LOOP;
END $$;

ALTER ROLE ies_app SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE ies_read SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE ies_read SET default_transaction_read_only = on;

GRANT SELECT ON migrations, ledgers, items, item_changes, requests, item_event_store,
  item_inventory, item_daily_summary, summaries, item_event_history TO ies_read, ies_app;
GRANT INSERT ON ledgers, items, item_changes, requests, item_event_store, item_inventory,
  item_daily_summary, summaries TO ies_app;
GRANT UPDATE ON ledgers, items, item_inventory, item_daily_summary, summaries TO ies_app;
GRANT DELETE ON item_inventory, item_daily_summary TO ies_app;
GRANT SELECT, INSERT ON tokens TO ies_app;
GRANT UPDATE (revoked_at) ON tokens TO ies_app;
GRANT EXECUTE ON FUNCTION ies_append_batch TO ies_app;
