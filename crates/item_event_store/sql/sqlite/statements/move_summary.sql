-- ?1: the position after the events that were added.
UPDATE summaries SET position = ?1 WHERE id = 1
