-- After log.sql: the counts as of the last refresh. SQLite has no materialized views.
CREATE TABLE item_inventory (item_id INTEGER PRIMARY KEY, quantity INTEGER NOT NULL) STRICT;
