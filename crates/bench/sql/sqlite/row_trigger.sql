-- After log.sql: a trigger on each row of the log keeps the counts.
CREATE TABLE item_inventory (
  item_id INTEGER PRIMARY KEY REFERENCES items (id),
  quantity INTEGER NOT NULL CHECK (quantity >= 0)
) STRICT;

CREATE TRIGGER keep_inventory AFTER INSERT ON item_event_store
BEGIN
  INSERT INTO item_inventory (item_id, quantity) VALUES (NEW.item_id, NEW.quantity_change)
  ON CONFLICT (item_id) DO UPDATE SET quantity = quantity + excluded.quantity;
END;
