-- ?1: its name. ?2: its epoch. ?3: when it is made. ?4, ?5, ?6: its settings.
INSERT INTO ledgers (name, epoch, created_at, time_zone, day_start_hour, archived_at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (SELECT 1 FROM ledgers)
