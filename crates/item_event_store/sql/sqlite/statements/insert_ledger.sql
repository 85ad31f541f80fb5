-- ?1: its name. ?2: its epoch. ?3: when it is made.
INSERT INTO ledgers (name, epoch, created_at)
SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM ledgers)
