-- $1: the ledger. $2: rows of days up to this one. $3, $4: reason, kind, or NULL. $5: how many.
-- $6, $7, $8, $9: rows after this day, item, reason and kind.
SELECT day, item_id, reason, kind, events, quantity_change FROM item_daily_summary
WHERE ledger_id = $1 AND (day, item_id, reason, kind) > ($6, $7::bigint, $8, $9) AND day <= $2
  AND ($3::text IS NULL OR reason = $3) AND ($4::text IS NULL OR kind = $4)
ORDER BY day, item_id, reason, kind LIMIT $5
