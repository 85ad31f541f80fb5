-- No parameters. What is read sees what was last committed.
BEGIN ISOLATION LEVEL READ COMMITTED
