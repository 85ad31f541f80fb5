-- No parameters. System, database and timeline: another one is another history; NULL on a standby.
-- Then what names this transaction: its process, and when it began.
SELECT CASE WHEN NOT pg_is_in_recovery() THEN
  (SELECT system_identifier FROM pg_control_system()) || '/'
  || (SELECT oid FROM pg_database WHERE datname = current_database()) || '/'
  || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END,
  pg_backend_pid(), now()
