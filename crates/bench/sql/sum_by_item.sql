-- Every count, added up from the log.
SELECT item_id, sum(quantity_change) FROM item_event_store GROUP BY item_id
