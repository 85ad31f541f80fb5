-- No parameters. Sent behind BEGIN: until the transaction ends nobody waits for a lock for long, and
-- everything is looked up by an index, as in set_writing.sql. What names the transaction: its process,
-- and when it began.
SELECT pg_backend_pid(), now(),
  set_config('lock_timeout', '2s', true), set_config('enable_seqscan', 'off', true)
