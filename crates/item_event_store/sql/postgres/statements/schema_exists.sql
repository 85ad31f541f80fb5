-- No parameters. Whether the migrations' table is there, and whether any other table is.
SELECT to_regclass('migrations') IS NOT NULL, EXISTS (
  SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r')
