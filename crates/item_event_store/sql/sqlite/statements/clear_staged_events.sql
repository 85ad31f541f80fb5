-- No parameters.
DELETE FROM temp.staged_events
