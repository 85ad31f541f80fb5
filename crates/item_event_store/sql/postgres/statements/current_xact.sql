-- No parameters. Fails in a transaction that an error has ended, and so does what is sent together
-- with it.
SELECT pg_current_xact_id()
