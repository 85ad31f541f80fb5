-- No parameters. The encoding, the version, and the role's powers: superuser, owner of the tables.
SELECT current_setting('server_encoding'), current_setting('server_version_num')::integer,
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
  coalesce((SELECT pg_has_role(current_user, relowner, 'MEMBER') FROM pg_class
    WHERE oid = to_regclass('item_event_store')), false)
