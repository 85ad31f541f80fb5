-- ?1 id, ?2 item, ?3 change, ?4 reason, ?5 time, ?6 version, ?7 balance, ?8 actor, ?9 request
INSERT INTO item_event_store
  (id, item_id, quantity_change, reason, created_at, version, quantity_after, actor, request_id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
