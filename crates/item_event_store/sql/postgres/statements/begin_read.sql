-- No parameters. All that is read until the end was true at one moment.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
