-- No parameters. Settings that are off although they must be on for a commit to last.
SELECT
  concat_ws(', ',
    CASE current_setting('fsync') WHEN 'off' THEN 'fsync' END,
    CASE current_setting('full_page_writes') WHEN 'off' THEN 'full_page_writes' END,
    CASE current_setting('synchronous_commit') WHEN 'off' THEN 'synchronous_commit' END)
