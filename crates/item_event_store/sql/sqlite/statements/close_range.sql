-- No parameters.
UPDATE ledgers SET writing_after = NULL WHERE id = 1
