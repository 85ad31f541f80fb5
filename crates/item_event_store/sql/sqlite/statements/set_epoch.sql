-- ?1: the ledger's name. ?2: its new epoch.
UPDATE ledgers SET name = ?1, epoch = ?2 WHERE id = 1
