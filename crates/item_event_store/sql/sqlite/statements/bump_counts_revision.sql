-- No parameters.
UPDATE ledgers SET counts_revision = counts_revision + 1 WHERE id = 1
