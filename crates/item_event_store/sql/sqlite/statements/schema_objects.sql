-- No parameters. What SQLite makes of its own is left out.
SELECT type, name, sql FROM sqlite_schema
WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY type, name
