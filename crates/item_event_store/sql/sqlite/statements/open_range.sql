-- The head after the batch: ?1 position, ?2 items_revision, ?3 last_request_id, ?4 last_created_at.
UPDATE ledgers SET writing_after = position,
  position = ?1, items_revision = ?2, last_request_id = ?3, last_created_at = ?4
WHERE id = 1
