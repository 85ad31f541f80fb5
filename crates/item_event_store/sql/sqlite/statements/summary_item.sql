-- ?1: rows of days up to this one. ?2, ?3: reason, kind, or NULL. ?4: how many, negative for all.
-- ?5, ?6, ?7: rows after this day, reason and kind. ?8: the item.
SELECT day, item_id, reason, kind, events, quantity_change FROM item_daily_summary
WHERE item_id = ?8 AND (day, reason, kind) > (?5, ?6, ?7) AND day <= ?1
  AND (?2 IS NULL OR reason = ?2) AND (?3 IS NULL OR kind = ?3)
ORDER BY day, reason, kind LIMIT ?4
