-- $1: the ledger that the columns' default means until the transaction ends. Times are written so
-- that every server reads them alike.
SELECT set_config('ies.ledger', $1, true), set_config('datestyle', 'ISO', true)
