-- ?1: rows of days up to this one. ?2, ?3: reason, kind, or NULL. ?4: how many, negative for all.
-- ?5, ?6, ?7, ?8: rows after this day, item, reason and kind.
SELECT day, item_id, reason, kind, events, quantity_change FROM item_daily_summary
WHERE (day, item_id, reason, kind) > (?5, ?6, ?7, ?8) AND day <= ?1
  AND (?2 IS NULL OR reason = ?2) AND (?3 IS NULL OR kind = ?3)
ORDER BY day, item_id, reason, kind LIMIT ?4
