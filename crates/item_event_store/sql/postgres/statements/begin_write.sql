-- No parameters. What is read sees what was last committed; nobody waits for others for long.
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL lock_timeout = '2s'
