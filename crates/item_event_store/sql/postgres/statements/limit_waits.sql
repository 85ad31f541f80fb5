-- No parameters. Until the transaction ends nobody waits for a lock for long; on Citus the node that
-- has the ledger is told so too. Citus passes on what it is sent together with this: nothing else is.
SET LOCAL citus.propagate_set_commands = 'local';
SET LOCAL lock_timeout = '2s'
