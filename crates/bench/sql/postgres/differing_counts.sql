-- How many counts are not what the log adds up to.
SELECT count(*) FROM (
  SELECT item_id, sum(quantity_change) AS quantity FROM item_event_store GROUP BY item_id
) AS logged FULL JOIN item_inventory AS kept USING (item_id)
WHERE logged.quantity IS DISTINCT FROM kept.quantity;
