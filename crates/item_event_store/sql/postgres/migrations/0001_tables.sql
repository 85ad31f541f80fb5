-- The tables of all ledgers of a database. A ledger's name is the first column of every key, and
-- is left out by whoever means the ledger of the session: SET ies.ledger = 'north', else 'main'.

CREATE TABLE migrations (
  name TEXT PRIMARY KEY,
  sha256 TEXT NOT NULL,
  applied_at TIMESTAMPTZ NOT NULL
);

-- System, database and timeline: on another one is another history. NULL on a standby.
CREATE FUNCTION ies_server() RETURNS TEXT LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN CASE WHEN NOT pg_is_in_recovery() THEN
    (SELECT c.system_identifier FROM pg_control_system() AS c) || '/'
    || (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()) || '/'
    || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END;
END $$;

-- What names a new history.
CREATE FUNCTION ies_epoch() RETURNS TEXT LANGUAGE sql VOLATILE
AS $$ SELECT left(md5(gen_random_uuid()::text), 16) $$;

-- The bytes of a table with its indexes, wherever they are.
CREATE FUNCTION ies_size(relation REGCLASS) RETURNS BIGINT LANGUAGE sql
AS $$ SELECT pg_total_relation_size(relation) $$;

-- One row a ledger: where its log ends. writing_after is set while somebody appends: complete
-- events are taken only at the positions writing_after + 1 to position. by_hand says that it is a
-- statement typed in by hand, whose rows are completed by the guards. The epoch belongs to server:
-- whoever writes on another one begins a new epoch first. Rows stay on their pages: there is room for it.
-- What a column may say is its guards' business: PostgreSQL reads a CHECK's text anew for every batch.
CREATE TABLE ledgers (
  ledger_id TEXT COLLATE "C" PRIMARY KEY,
  position BIGINT NOT NULL DEFAULT 0,
  writing_after BIGINT,
  by_hand BOOLEAN NOT NULL DEFAULT false,
  epoch TEXT NOT NULL DEFAULT ies_epoch(),
  server TEXT NOT NULL DEFAULT ies_server(),
  items_revision BIGINT NOT NULL DEFAULT 0,
  counts_revision BIGINT NOT NULL DEFAULT 0,
  last_request_id BIGINT NOT NULL DEFAULT 0,
  last_created_at TIMESTAMPTZ NOT NULL DEFAULT '0001-01-03 00:00:00+00 BC',
  time_zone TEXT NOT NULL DEFAULT 'UTC',
  day_start_hour SMALLINT NOT NULL DEFAULT 0,
  archived_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
) WITH (fillfactor = 10);

CREATE TABLE items (
  ledger_id TEXT COLLATE "C" NOT NULL
    DEFAULT coalesce(nullif(current_setting('ies.ledger', true), ''), 'main')
    REFERENCES ledgers (ledger_id),
  id INTEGER NOT NULL CHECK (id > 0),
  name TEXT NOT NULL CHECK (name <> '' AND length(name) <= 200),
  sku TEXT CHECK (sku <> '' AND length(sku) <= 64),
  unit TEXT NOT NULL DEFAULT 'piece' CHECK (unit <> '' AND length(unit) <= 32),
  allow_negative BOOLEAN NOT NULL DEFAULT false,
  archived_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  revision BIGINT NOT NULL,
  PRIMARY KEY (ledger_id, id),
  -- Checked when a statement ends, so that one statement may pass a sku from item to item.
  CONSTRAINT items_sku UNIQUE (ledger_id, sku) DEFERRABLE INITIALLY IMMEDIATE
);

-- Every change of an item, with the item as it was afterwards. Its updated_at is when.
CREATE TABLE item_changes (
  ledger_id TEXT COLLATE "C" NOT NULL
    DEFAULT coalesce(nullif(current_setting('ies.ledger', true), ''), 'main'),
  revision BIGINT NOT NULL,
  item_id INTEGER NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('created', 'edited', 'archived', 'unarchived')),
  actor TEXT,
  position BIGINT NOT NULL,
  name TEXT NOT NULL,
  sku TEXT,
  unit TEXT NOT NULL,
  allow_negative BOOLEAN NOT NULL,
  archived_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (ledger_id, revision)
);

CREATE INDEX item_changes_item ON item_changes (ledger_id, item_id, revision);

CREATE TABLE requests (
  ledger_id TEXT COLLATE "C" NOT NULL
    DEFAULT coalesce(nullif(current_setting('ies.ledger', true), ''), 'main'),
  id BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  hash BYTEA NOT NULL CHECK (length(hash) = 32),
  actor TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  position BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  PRIMARY KEY (ledger_id, id),
  UNIQUE (ledger_id, key)
);

-- The log. A row that is inserted without a version is one typed in by hand: it is completed. That
-- every item exists is a guard's business, once a statement: a foreign key locks a row an event. Words
-- stand in an array, whose text is shorter than a list's: PostgreSQL reads it anew for every batch.
CREATE TABLE item_event_store (
  ledger_id TEXT COLLATE "C" NOT NULL
    DEFAULT coalesce(nullif(current_setting('ies.ledger', true), ''), 'main'),
  id BIGINT NOT NULL,
  item_id INTEGER NOT NULL,
  quantity_change INTEGER NOT NULL
    CHECK (quantity_change BETWEEN -2000000000 AND 2000000000),
  reason TEXT COLLATE "C" NOT NULL
    CHECK (reason = ANY ('{bakeoff,batch,special_order,adjustment,initial}')),
  created_at TIMESTAMPTZ NOT NULL,
  version BIGINT NOT NULL,
  quantity_after INTEGER NOT NULL CHECK (quantity_after BETWEEN -2000000000 AND 2000000000),
  kind TEXT COLLATE "C" CHECK (kind = ANY (
    '{override,count,correction,waste,damage,expired,sample,return,transfer,other}')),
  occurred_at TIMESTAMPTZ CHECK (occurred_at
    BETWEEN '0001-01-03 00:00:00+00 BC' AND '9999-12-30 21:59:59.999999+00'),
  actor TEXT CHECK (actor <> '' AND length(actor) <= 100),
  reference TEXT CHECK (reference <> '' AND length(reference) <= 200),
  note TEXT CHECK (note <> '' AND length(note) <= 1000),
  corrects_event_id BIGINT,
  request_id BIGINT,
  PRIMARY KEY (ledger_id, id),
  CHECK ((kind IS NOT NULL) = (reason = 'adjustment'))
);

-- No two entries are equal: to look for such ones would be in vain.
CREATE INDEX item_event_store_item ON item_event_store (ledger_id, item_id, id)
  WITH (deduplicate_items = off);

CREATE INDEX item_event_store_corrects ON item_event_store (ledger_id, corrects_event_id)
  WHERE corrects_event_id IS NOT NULL;

CREATE INDEX item_event_store_last_count ON item_event_store (ledger_id, item_id, id)
  WHERE kind = 'count' OR kind = 'override';

-- No index has what an update changes: a row stays on its page.
CREATE TABLE item_inventory (
  ledger_id TEXT COLLATE "C" NOT NULL
    DEFAULT coalesce(nullif(current_setting('ies.ledger', true), ''), 'main'),
  item_id INTEGER NOT NULL,
  quantity INTEGER NOT NULL,
  version BIGINT NOT NULL,
  last_event_id BIGINT,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (ledger_id, item_id),
  FOREIGN KEY (ledger_id, item_id) REFERENCES items (ledger_id, id)
) WITH (fillfactor = 50);

-- What changed, by business day, item, reason and kind: the sum over the events of that day by when
-- they happened. The kind is '' where the event has none. summaries says up to which position.
CREATE TABLE item_daily_summary (
  ledger_id TEXT COLLATE "C" NOT NULL
    DEFAULT coalesce(nullif(current_setting('ies.ledger', true), ''), 'main'),
  day DATE NOT NULL,
  item_id INTEGER NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  events BIGINT NOT NULL CHECK (events > 0),
  quantity_change BIGINT NOT NULL,
  PRIMARY KEY (ledger_id, day, item_id, reason, kind)
) WITH (fillfactor = 80);

CREATE INDEX item_daily_summary_item ON item_daily_summary (ledger_id, item_id, day);

-- One row a ledger: the events up to position are in item_daily_summary, each once, for business days
-- of this time zone and hour. writing_after is set while events are added, clearing while rows that
-- were made for other days are taken away.
CREATE TABLE summaries (
  ledger_id TEXT COLLATE "C" PRIMARY KEY
    DEFAULT coalesce(nullif(current_setting('ies.ledger', true), ''), 'main')
    REFERENCES ledgers (ledger_id),
  position BIGINT NOT NULL DEFAULT 0,
  writing_after BIGINT,
  clearing BOOLEAN NOT NULL DEFAULT false CHECK (NOT clearing OR position = 0),
  time_zone TEXT NOT NULL DEFAULT 'UTC' CHECK (time_zone <> ''),
  day_start_hour SMALLINT NOT NULL DEFAULT 0 CHECK (day_start_hour BETWEEN 0 AND 23)
) WITH (fillfactor = 10);

-- Tokens belong to the store; one without a ledger is for all of them. Only the SHA-256 of a token
-- is kept.
CREATE TABLE tokens (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'baker', 'manager', 'admin')),
  ledger_id TEXT COLLATE "C",
  hash BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ,
  revoked_at TIMESTAMPTZ
);

-- The log as a person reads it.
CREATE VIEW item_event_history AS
SELECT
  e.ledger_id, e.id, e.item_id, i.name AS item, e.version, e.quantity_change, e.quantity_after,
  e.reason, e.kind, e.created_at, e.occurred_at, e.actor, e.reference, e.note,
  e.corrects_event_id, e.request_id
FROM item_event_store AS e
LEFT JOIN items AS i ON i.ledger_id = e.ledger_id AND i.id = e.item_id;
