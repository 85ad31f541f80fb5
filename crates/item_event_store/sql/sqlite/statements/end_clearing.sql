-- No parameters. When there is no row left.
UPDATE summaries SET clearing = 0
WHERE id = 1 AND NOT EXISTS (SELECT 1 FROM item_daily_summary)
