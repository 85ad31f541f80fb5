-- ?1, ?2: the time zone and the hour that the summary is to be made for.
UPDATE summaries SET position = 0, clearing = 1, time_zone = ?1, day_start_hour = ?2 WHERE id = 1
