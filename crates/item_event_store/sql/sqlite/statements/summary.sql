-- No parameters. The row of summaries.
SELECT position, time_zone, day_start_hour, clearing FROM summaries WHERE id = 1
