-- No parameters. Fails in a transaction that an error has ended.
SELECT pg_current_xact_id()::text
