-- No parameters. What names this transaction: its process, and when it began.
SELECT pg_backend_pid(), now()
