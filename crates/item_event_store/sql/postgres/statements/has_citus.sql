-- No parameters. Whether the extension is in the database: by the function that citus.sql calls.
SELECT EXISTS (SELECT FROM pg_proc WHERE proname = 'create_distributed_table')
