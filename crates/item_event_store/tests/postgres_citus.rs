//! What Citus asks of tables and statements, held on PostgreSQL itself: by the catalog, by the
//! planner and by the SQL files. Each rule is shown to find what breaks it. Where Citus is needed,
//! a stand-in with its functions takes its place, which holds tables to the same rules.

mod postgres;

use item_event_store::error::StoreError;
use item_event_store::store::Mode;
use item_event_store::store::postgres::{PostgresStore, schema_sql};
use postgres::{Cluster, batch, create, open, recorded, send, verify};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tokio_postgres::{Client, SimpleQueryMessage};

const STAND_IN: &str = include_str!("store/backend/citus_stand_in.sql");

/// Every ledger has rows in these, on the node where it is.
const DISTRIBUTED: &[&str] = &[
    "item_changes",
    "item_daily_summary",
    "item_event_store",
    "item_inventory",
    "items",
    "ledgers",
    "requests",
    "summaries",
];

/// Statements that read or write on several nodes, or whose ledger does not stand in them, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("ledgers", "the list of all ledgers"),
    ("copy_in_item_changes", "COPY fills in the column's default, the ledger of the session"),
    ("copy_in_item_event_store", "the same"),
    ("copy_in_item_inventory", "the same"),
    ("copy_in_items", "the same"),
    ("copy_in_requests", "the same"),
];

/// Values that a statement gets from the server without calling a function by name.
const VARYING_WORDS: &[&str] =
    &["default", "current_timestamp", "current_date", "current_time", "localtimestamp"];

/// A database with the tables, as an administrator sees it, and what it is called.
async fn database(cluster: &Cluster, prepare: &str) -> (Client, String) {
    let name = cluster.new_database().await;
    let admin = cluster.connect("postgres", &name).await;
    admin.batch_execute(prepare).await.expect("prepared");
    (admin, name)
}

async fn distribute(cluster: &Cluster, database: &str) -> Result<bool, StoreError> {
    let store = PostgresStore::open(&cluster.url("ies_owner", database), Mode::Write).await?;
    store.distribute(true).await
}

async fn text(client: &Client, sql: &str) -> Vec<String> {
    let rows = client.query(sql, &[]).await.expect(sql);
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_is_a_ledgers_is_distributed_with_it() {
    let cluster = Cluster::started();
    let (admin, name) = database(cluster, STAND_IN).await;
    distribute(cluster, &name).await.expect("distributed");
    distribute(cluster, &name).await.expect("once is enough");
    let distributed = "SELECT relation::text FROM stand_in.tables WHERE distribution_column = \
         'ledger_id' AND coalesce(colocated_with, relation) = 'ledgers'::regclass ORDER BY 1";
    assert_eq!(text(&admin, distributed).await, DISTRIBUTED);
    let others = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
         AND relkind = 'r' AND NOT EXISTS (SELECT FROM stand_in.tables WHERE relation = \
         pg_class.oid AND distribution_column IS NOT NULL) ORDER BY 1";
    assert_eq!(text(&admin, others).await, ["migrations", "tokens"]);
    let everywhere = "SELECT relation::text FROM stand_in.tables WHERE distribution_column IS NULL";
    assert_eq!(text(&admin, everywhere).await, ["tokens"]);
    let triggers = "SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal";
    assert!(text(&admin, triggers).await.is_empty());
    let applied = "SELECT name FROM migrations ORDER BY name";
    assert_eq!(text(&admin, applied).await, ["0001_tables", "0002_guards", "0003_append", "citus"]);
    // What runs on a node finds all that it calls there: made for a default of a table, or for it.
    let by_ledger = "SELECT called::regproc::text FROM stand_in.functions \
         WHERE distribution_argument = 'ledger_id' ORDER BY 1";
    assert_eq!(text(&admin, by_ledger).await, ["ies_add_item", "ies_append"]);
    let missing = "SELECT DISTINCT word[1] FROM stand_in.functions AS f \
         JOIN pg_proc AS p ON p.oid = f.called, \
         regexp_matches(p.prosrc, '(ies_[a-z_]+)\\(', 'g') AS word \
         WHERE word[1] NOT IN (SELECT called::regproc::text FROM stand_in.functions) \
         AND NOT EXISTS (SELECT FROM pg_attrdef \
           WHERE pg_get_expr(adbin, adrelid) = word[1] || '()')";
    assert!(text(&admin, missing).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_citus_would_refuse_is_refused_whole() {
    let cluster = Cluster::started();
    for (broken, why) in [
        ("CREATE UNIQUE INDEX items_name ON items (name)", "unique key items_name is without"),
        ("ALTER TABLE requests ADD CONSTRAINT once UNIQUE (hash)", "unique key once is without"),
        (
            "ALTER TABLE summaries ADD other TEXT CONSTRAINT of REFERENCES ledgers (ledger_id)",
            "foreign key of leads",
        ),
        (
            "ALTER TABLE requests ADD token BIGINT CONSTRAINT by REFERENCES tokens (id)",
            "foreign key by leads",
        ),
        (
            "CREATE TRIGGER mine BEFORE INSERT ON tokens FOR EACH ROW \
             EXECUTE FUNCTION ies_refuse('no')",
            "tokens: it has triggers",
        ),
        ("DROP FUNCTION citus_total_relation_size", "citus_total_relation_size"),
    ] {
        let (admin, name) = database(cluster, STAND_IN).await;
        admin.batch_execute(broken).await.expect(broken);
        let refused = distribute(cluster, &name).await.expect_err(broken).to_string();
        assert!(refused.contains(why), "{broken}: {refused}");
        let applied = "SELECT name FROM migrations ORDER BY name";
        assert_eq!(text(&admin, applied).await, ["0001_tables", "0002_guards", "0003_append"]);
        let ledger = open(&cluster.url("ies_app", &name)).await;
        recorded(send(&ledger, create("Croissant", 10)).await);
        let guarded = "INSERT INTO item_event_store (item_id, quantity_change, reason) \
             VALUES (1, -11, 'bakeoff')";
        assert!(admin.batch_execute(guarded).await.is_err(), "the guards are there as before");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_extension_it_says_so() {
    let cluster = Cluster::started();
    let (_admin, name) = database(cluster, "").await;
    match distribute(cluster, &name).await {
        Err(StoreError::Config(why)) => assert!(why.contains("CREATE EXTENSION citus"), "{why}"),
        other => panic!("{other:?}"),
    }
    let store = PostgresStore::open(&cluster.url("ies_app", &name), Mode::Read).await;
    let store = store.expect("a store");
    assert!(matches!(store.distribute(false).await, Err(StoreError::ReadOnly)));
    let store = PostgresStore::open(&cluster.url("ies_app", &name), Mode::Write).await;
    assert_eq!(store.expect("a store").distribute(false).await, Ok(false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_owner_distributes() {
    let cluster = Cluster::started();
    let (_admin, name) = database(cluster, STAND_IN).await;
    let store = PostgresStore::open(&cluster.url("ies_app", &name), Mode::Write).await;
    let refused = store.expect("a store").distribute(false).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
}

/// The schema that is printed for people to apply makes the same store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_schema_is_distributed_too() {
    let cluster = Cluster::started();
    let (admin, name) = database(cluster, "DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    admin.batch_execute("GRANT USAGE ON SCHEMA public TO PUBLIC").await.expect("granted");
    admin.batch_execute(STAND_IN).await.expect("a stand-in");
    let printed = format!("BEGIN; {} COMMIT", schema_sql(true));
    admin.batch_execute(&printed).await.expect("applied");
    let ledger = open(&cluster.url("ies_app", &name)).await;
    recorded(send(&ledger, create("Croissant", 10)).await);
    recorded(send(&ledger, batch()).await);
    verify(&ledger).await;
    // Whoever brings a trigger back is found.
    let back = "CREATE TRIGGER items_update AFTER UPDATE ON items REFERENCING NEW TABLE AS changed
         FOR EACH STATEMENT EXECUTE FUNCTION items_changed()";
    admin.batch_execute(back).await.expect("made");
    let report = ledger.verify(true, &|_, _| ()).await.expect("verifies");
    let found: Vec<_> = report.findings.iter().map(|finding| finding.detail.as_str()).collect();
    assert_eq!(found, ["the trigger items_update is not ours"]);
}

fn statements() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/postgres/statements");
    let files = std::fs::read_dir(folder).expect("the statements");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    assert!(files.len() > 50, "the statements were found");
    let stem = |file: &Path| file.file_stem().expect("a name").to_string_lossy().into_owned();
    let read = |file: &Path| std::fs::read_to_string(file).expect("a statement");
    files.iter().map(|file| (stem(file), read(file))).collect()
}

/// The words of a statement without its comments, each with the character after it.
fn words(sql: &str) -> Vec<(String, Option<char>)> {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    let sql: String = lines.collect::<Vec<_>>().join(" ");
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut words = Vec::new();
    let mut rest = sql.as_str();
    while let Some(start) = rest.find(is_word) {
        let word = &rest[start..];
        let end = word.find(|c| !is_word(c)).unwrap_or(word.len());
        words.push((word[..end].to_lowercase(), word[end..].trim_start().chars().next()));
        rest = &word[end..];
    }
    words
}

/// What is the matter with a statement that Citus is to send to one node: it reads a table without
/// `ledger_id = $1`, by the planner's own word, or writes rows of no such ledger.
async fn of_no_ledger(client: &Client, sql: &str) -> Vec<String> {
    let words = words(sql);
    let of_tables = words.iter().any(|(word, _)| DISTRIBUTED.contains(&word.as_str()));
    let first = words.first().map_or("", |(word, _)| word.as_str());
    if !of_tables || ["begin", "listen"].contains(&first) {
        return Vec::new();
    }
    if first == "copy" && words[1].0 != "select" {
        return vec!["rows come in without their ledger".into()];
    }
    let sql = if first == "copy" {
        sql[sql.find("COPY (").expect("a query") + 6..].replace(") TO STDOUT", "")
    } else {
        sql.to_owned()
    };
    let params = client.prepare(&sql).await.expect(&sql).params().len();
    let nulls = vec!["NULL"; params].join(", ");
    let arguments = if params == 0 { String::new() } else { format!("({nulls})") };
    client
        .batch_execute(&format!("SET plan_cache_mode = force_generic_plan; PREPARE it AS {sql}"))
        .await
        .expect(&sql);
    let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE it {arguments}");
    let plan = client.simple_query(&explain).await.expect(&sql);
    let plan = plan.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let plan: Value = serde_json::from_str(plan.expect("a plan")).expect("JSON");
    client.batch_execute("DEALLOCATE it").await.expect("forgotten");
    let mut found = Vec::new();
    look(&plan[0]["Plan"], &mut found);
    if first == "insert" && !inserts_its_ledger(&sql) {
        found.push("rows are inserted without their ledger".into());
    }
    found
}

/// Scans of distributed tables that no condition keeps on one ledger.
fn look(plan: &Value, found: &mut Vec<String>) {
    let text = |field: &str| plan[field].as_str().unwrap_or_default();
    let table = text("Relation Name");
    if DISTRIBUTED.contains(&table) && text("Node Type") != "ModifyTable" {
        let conditions = ["Index Cond", "Recheck Cond", "Filter"].map(text).join(" ");
        let conditions = conditions.replace("($1)::text", "$1");
        let kept = ["ledger_id = $1)", "ledger_id = 'LEDGER'::text)"];
        if !kept.iter().any(|one| conditions.contains(one)) {
            found.push(format!("{table} is read where {conditions:?}"));
        }
    }
    for below in plan["Plans"].as_array().into_iter().flatten() {
        look(below, found);
    }
}

/// Whether the first column that is inserted is the ledger, and its value the first parameter or
/// that of a row that is read.
fn inserts_its_ledger(sql: &str) -> bool {
    let words = words(sql);
    let first =
        |pair: &[(String, Option<char>)]| pair[0].1 == Some('(') && pair[1].0 == "ledger_id";
    let columns = words.windows(2).position(first);
    let values = words.iter().position(|(word, _)| word == "select" || word == "values");
    let (Some(columns), Some(values)) = (columns, values) else { return false };
    let value: Vec<_> = words[values + 1..].iter().map(|(word, _)| word.as_str()).collect();
    let value = match value.as_slice() {
        ["distinct", "on", _, _, value @ ..] | value => value,
    };
    columns < values && matches!(value, ["1", ..] | [_, "ledger_id", ..])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_statement_is_of_one_ledger() {
    let cluster = Cluster::started();
    let (admin, _) = database(cluster, "").await;
    let mut broken = Vec::new();
    for (name, sql) in statements() {
        let found = of_no_ledger(&admin, &sql).await;
        if EXCEPTIONS.iter().any(|(exception, _)| *exception == name) {
            assert!(!found.is_empty(), "{name} is no exception");
        } else {
            broken.extend(found.iter().map(|what| format!("{name}: {what}")));
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    for sql in [
        "SELECT id FROM items WHERE id = $1",
        "SELECT i.id FROM items AS i LEFT JOIN LATERAL (SELECT l.id FROM item_event_store AS l
         WHERE l.ledger_id = i.ledger_id ORDER BY l.id DESC LIMIT 1) AS e ON true
         WHERE i.ledger_id = $1",
        "UPDATE items AS i SET name = c.name FROM item_changes AS c
         WHERE c.ledger_id = $1 AND i.id = c.item_id",
        "DELETE FROM requests WHERE key = $1",
        "INSERT INTO summaries (position) VALUES ($1)",
        "INSERT INTO summaries (position, ledger_id) VALUES ($1, $2)",
        "COPY (SELECT id FROM items
         WHERE ledger_id = current_setting('ies.ledger', true)) TO STDOUT",
        "COPY items (id, name) FROM STDIN",
    ] {
        assert!(!of_no_ledger(&admin, sql).await.is_empty(), "not found: {sql}");
    }
}

/// What a change takes from the server although another node may say something else: functions that
/// are not immutable, and words that stand for such.
async fn varying(client: &Client, sql: &str) -> Vec<String> {
    let words = words(sql);
    let first = words.first().map_or("", |(word, _)| word.as_str());
    let on_conflict = words.windows(2).any(|pair| pair[0].0 == "do" && pair[1].0 == "update");
    if !on_conflict && !["update", "delete"].contains(&first) {
        return Vec::new();
    }
    let called: Vec<&str> = words
        .iter()
        .filter(|(_, next)| *next == Some('('))
        .map(|(word, _)| word.as_str())
        .collect();
    let varying = "SELECT proname::text FROM pg_proc WHERE proname = ANY ($1) \
         GROUP BY proname HAVING bool_or(provolatile <> 'i')";
    let rows = client.query(varying, &[&called]).await.expect("the functions");
    let mut found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    found.extend(
        words
            .into_iter()
            .map(|(word, _)| word)
            .filter(|word| VARYING_WORDS.contains(&word.as_str())),
    );
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_take_nothing_that_varies() {
    let cluster = Cluster::started();
    let (admin, name) = database(cluster, STAND_IN).await;
    distribute(cluster, &name).await.expect("distributed");
    let mut all = statements();
    // What the functions that run on the nodes do, a statement each.
    let bodies = text(
        &admin,
        "SELECT p.prosrc FROM stand_in.functions AS f JOIN pg_proc AS p ON p.oid = f.called",
    );
    for body in bodies.await {
        for part in body.split(';') {
            let starts = ["UPDATE ", "DELETE FROM ", "INSERT INTO "].map(|word| part.find(word));
            if let Some(start) = starts.into_iter().flatten().min() {
                all.push(("by hand".into(), part[start..].to_owned()));
            }
        }
    }
    assert!(all.iter().filter(|(name, _)| name == "by hand").count() >= 9, "the bodies were read");
    let mut broken = Vec::new();
    for (name, sql) in all {
        broken.extend(varying(&admin, &sql).await.iter().map(|what| format!("{name}: {what}")));
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    for (sql, what) in [
        ("UPDATE ledgers SET created_at = now() WHERE ledger_id = $1", "now"),
        ("UPDATE ledgers SET server = ies_server() WHERE ledger_id = $1", "ies_server"),
        ("UPDATE ledgers SET epoch = DEFAULT WHERE ledger_id = $1", "default"),
        (
            "INSERT INTO summaries (ledger_id) VALUES ($1)
             ON CONFLICT (ledger_id) DO UPDATE SET time_zone = current_setting('TimeZone')",
            "current_setting",
        ),
        (
            "DELETE FROM requests WHERE ledger_id = $1 AND created_at < CURRENT_TIMESTAMP",
            "current_timestamp",
        ),
    ] {
        assert_eq!(varying(&admin, sql).await, [what], "{sql}");
    }
}
