-- No parameters. System, database and timeline: another one is another history; NULL on a standby.
-- What names this transaction: its process, and when it began. Settings that are off although they
-- must be on for a commit to last.
SELECT CASE WHEN NOT pg_is_in_recovery() THEN
  (SELECT system_identifier FROM pg_control_system()) || '/'
  || (SELECT oid FROM pg_database WHERE datname = current_database()) || '/'
  || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END,
  pg_backend_pid(), now(),
  concat_ws(', ',
    CASE current_setting('fsync') WHEN 'off' THEN 'fsync' END,
    CASE current_setting('full_page_writes') WHEN 'off' THEN 'full_page_writes' END,
    CASE current_setting('synchronous_commit') WHEN 'off' THEN 'synchronous_commit' END)
