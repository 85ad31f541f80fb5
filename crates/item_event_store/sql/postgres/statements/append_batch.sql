-- $1: the ledger. The head before the batch: $2 epoch, $3 position, $4 items_revision,
-- $5 counts_revision, $6 last_request_id, $7 last_created_at; $8: when it was decided; $9: the items that
-- it was judged by, if it may move; $10: who writes; $11: whether it follows one that was not answered.
-- Then as arrays the columns of its events and requests, in the order of the function.
SELECT * FROM ies_append_batch(
  $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
  $22, $23, $24, $25, $26, $27, $28)
