-- The count is a column that everybody updates.
-- Variables: items.
CREATE TABLE items (
  id integer PRIMARY KEY,
  name text NOT NULL,
  quantity integer NOT NULL CHECK (quantity >= 0)
);

INSERT INTO items SELECT n, 'Item ' || n, 1000000 FROM generate_series(1, :items) AS n;
