-- No parameters. The links of every event, by position.
SELECT id, item_id, previous_event_id, middle_event_id, jump_event_id
FROM item_event_store ORDER BY id
