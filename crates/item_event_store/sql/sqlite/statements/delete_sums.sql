-- ?1: how many rows.
DELETE FROM item_daily_summary WHERE (day, item_id, reason, kind) IN (
  SELECT day, item_id, reason, kind FROM item_daily_summary
  ORDER BY day, item_id, reason, kind LIMIT ?1)
