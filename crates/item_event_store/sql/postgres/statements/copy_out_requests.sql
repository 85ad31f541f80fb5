-- COPY takes no parameters: the ledger's name replaces LEDGER.
COPY (SELECT id, key, hash, actor, created_at, position, outcome
  FROM requests WHERE ledger_id = 'LEDGER' ORDER BY id) TO STDOUT
