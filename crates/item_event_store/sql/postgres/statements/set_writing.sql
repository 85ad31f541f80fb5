-- No parameters. Until the transaction ends nobody waits for a lock for long; on Citus the node that
-- has the ledger is told so too. Everything is looked up by an index: a plan that was made while a
-- table was empty would read all of it later. Citus passes on what it is sent together with this:
-- nothing else is.
SET LOCAL citus.propagate_set_commands = 'local';
SET LOCAL lock_timeout = '2s';
SET LOCAL enable_seqscan = 'off'
