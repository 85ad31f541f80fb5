-- No parameters. From now on this connection hears what announce.sql says.
LISTEN item_event_store
