-- $1: the ledger. Its row of summaries; as it begins when there is none yet.
SELECT coalesce(s.position, 0), coalesce(s.time_zone, 'UTC'), coalesce(s.day_start_hour, 0::smallint),
  coalesce(s.clearing, false)
FROM (SELECT $1::text AS ledger_id) AS l LEFT JOIN summaries AS s ON s.ledger_id = l.ledger_id
