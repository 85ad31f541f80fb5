-- $1: processes, $2: when each began its transaction. Ends those that are still in it.
SELECT pg_terminate_backend(a.pid)
FROM unnest($1::integer[], $2::timestamptz[]) AS t (pid, began_at)
JOIN pg_stat_activity AS a ON a.pid = t.pid AND a.xact_start = t.began_at
