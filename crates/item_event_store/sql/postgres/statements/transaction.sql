-- No parameters. What names this transaction: its process, and when it began, in microseconds of the
-- epoch. Sent together with BEGIN.
SELECT pg_backend_pid(), (extract(epoch FROM now()) * 1000000)::bigint
