-- A ledger with items that have plenty in stock.
-- Variables: ledger, items.
INSERT INTO ledgers (ledger_id) VALUES (:'ledger');

INSERT INTO items SELECT :'ledger', n, 'Item ' || n FROM generate_series(1, :items) AS n;

INSERT INTO item_inventory SELECT :'ledger', n, 1000000 FROM generate_series(1, :items) AS n;
