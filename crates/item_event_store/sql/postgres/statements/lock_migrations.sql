-- No parameters. One program migrates at a time.
SELECT pg_advisory_xact_lock(7954826317)
