-- No parameters. What names this transaction: its process, and when it began. Then settings that are
-- off although they must be on for a commit to last.
SELECT pg_backend_pid(), now(),
  concat_ws(', ',
    CASE current_setting('fsync') WHEN 'off' THEN 'fsync' END,
    CASE current_setting('full_page_writes') WHEN 'off' THEN 'full_page_writes' END,
    CASE current_setting('synchronous_commit') WHEN 'off' THEN 'synchronous_commit' END)
