-- What citus.sql calls, for a server that is without Citus. Each function holds its table to what
-- Citus asks of one, and notes what it was called for.

CREATE SCHEMA stand_in;

CREATE TABLE stand_in.tables (
  relation REGCLASS PRIMARY KEY,
  distribution_column TEXT,
  colocated_with REGCLASS
);

CREATE TABLE stand_in.functions (
  called REGPROCEDURE PRIMARY KEY,
  distribution_argument TEXT,
  colocated_with REGCLASS
);

CREATE FUNCTION stand_in.refuse(why TEXT) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', why USING ERRCODE = 'feature_not_supported';
END $$;

CREATE FUNCTION stand_in.column_number(relation REGCLASS, name TEXT) RETURNS SMALLINT
LANGUAGE sql AS $$
  SELECT a.attnum FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attname = name
$$;

CREATE FUNCTION stand_in.refuse_triggers(relation REGCLASS) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = relation AND NOT t.tgisinternal) THEN
    PERFORM stand_in.refuse(format('cannot distribute %s: it has triggers', relation));
  END IF;
END $$;

CREATE FUNCTION create_distributed_table(
  table_name REGCLASS,
  distribution_column TEXT,
  colocate_with TEXT DEFAULT 'default'
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  number SMALLINT := stand_in.column_number(table_name, distribution_column);
  partner REGCLASS := nullif(nullif(colocate_with, 'none'), 'default')::regclass;
  key RECORD;
BEGIN
  IF number IS NULL THEN
    PERFORM stand_in.refuse(format('%s has no column %s', table_name, distribution_column));
  END IF;
  PERFORM stand_in.refuse_triggers(table_name);
  FOR key IN SELECT i.* FROM pg_index AS i
    WHERE i.indrelid = table_name AND i.indisunique AND number <> ALL (i.indkey::smallint[])
  LOOP
    PERFORM stand_in.refuse(format(
      'cannot distribute %s: the unique key %s is without %s',
      table_name, key.indexrelid::regclass, distribution_column));
  END LOOP;
  -- What it refers to is with it: the same column, distributed before and colocated.
  FOR key IN
    SELECT f.* FROM pg_constraint AS f
    LEFT JOIN stand_in.tables AS t ON t.relation = f.confrelid
    WHERE f.contype = 'f' AND f.conrelid = table_name AND (
      t.relation IS NULL
      OR coalesce(t.colocated_with, t.relation) IS DISTINCT FROM coalesce(partner, table_name)
      OR array_position(f.conkey, number) IS DISTINCT FROM array_position(
        f.confkey, stand_in.column_number(f.confrelid, t.distribution_column)))
  LOOP
    PERFORM stand_in.refuse(format(
      'cannot distribute %s: the foreign key %s leads to another node', table_name, key.conname));
  END LOOP;
  INSERT INTO stand_in.tables VALUES (table_name, distribution_column, partner);
END $$;

CREATE FUNCTION create_reference_table(table_name REGCLASS) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  PERFORM stand_in.refuse_triggers(table_name);
  INSERT INTO stand_in.tables VALUES (table_name, NULL, NULL);
END $$;

CREATE FUNCTION create_distributed_function(
  called REGPROCEDURE,
  distribution_arg_name TEXT DEFAULT NULL,
  colocate_with TEXT DEFAULT NULL
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_proc AS p WHERE p.oid = called
      AND (distribution_arg_name IS NULL OR distribution_arg_name = ANY (p.proargnames))) THEN
    PERFORM stand_in.refuse(format('%s has no argument %s', called, distribution_arg_name));
  END IF;
  INSERT INTO stand_in.functions VALUES (called, distribution_arg_name, colocate_with::regclass);
END $$;

CREATE FUNCTION citus_total_relation_size(relation REGCLASS) RETURNS BIGINT
LANGUAGE sql AS $$ SELECT pg_total_relation_size(relation) $$;
