-- No parameters. What must be on for a commit to last, the encoding, and the role's powers.
SELECT current_setting('fsync'), current_setting('full_page_writes'),
  current_setting('synchronous_commit'), current_setting('server_encoding'),
  current_setting('server_version_num')::integer,
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
  coalesce((SELECT pg_has_role(current_user, relowner, 'MEMBER') FROM pg_class
    WHERE oid = to_regclass('item_event_store')), false)
