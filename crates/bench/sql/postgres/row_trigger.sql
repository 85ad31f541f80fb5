-- After items.sql: a trigger on each row of the log keeps the counts.
CREATE TABLE item_inventory (
  item_id integer PRIMARY KEY REFERENCES items (id),
  quantity integer NOT NULL CHECK (quantity >= 0)
);

CREATE FUNCTION keep_inventory() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO item_inventory (item_id, quantity) VALUES (NEW.item_id, NEW.quantity_change)
  ON CONFLICT (item_id) DO UPDATE SET quantity = item_inventory.quantity + EXCLUDED.quantity;
  RETURN NULL;
END
$$;

CREATE TRIGGER keep_inventory AFTER INSERT ON item_event_store
FOR EACH ROW EXECUTE FUNCTION keep_inventory();
