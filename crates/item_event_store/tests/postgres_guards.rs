//! What is refused although it is written as the writer writes: a range of positions is opened,
//! filled and closed again, or a batch is appended by the function that is let through.

mod postgres;

use postgres::{Cluster, INSERT, create, open, recorded, send};
use tokio_postgres::Client;

const OPEN: &str = "UPDATE ledgers SET
    writing_after = position, position = position + 3, last_created_at = clock_timestamp()";
const CLOSE: &str = "UPDATE ledgers SET writing_after = NULL";

/// Complete events, one more piece each: `VALUES` of id, item and version.
fn events(rows: &str) -> String {
    format!(
        "INSERT INTO item_event_store (
           id, item_id, quantity_change, reason, created_at, version, quantity_after)
         SELECT e.id, e.item_id, 1, 'batch', l.last_created_at, e.version, 9 + e.version
         FROM ledgers AS l, (VALUES {rows}) AS e (id, item_id, version)"
    )
}

/// An item and one event; and a shell that may write as the service may.
async fn shell() -> Client {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let ledger = open(&cluster.url("ies_app", &database)).await;
    recorded(send(&ledger, create("Croissant", 10)).await);
    cluster.connect("ies_app", &database).await
}

/// What the shell is told at the end of a transaction of these statements.
async fn told(shell: &Client, statements: &[String]) -> Result<(), String> {
    let all = format!("BEGIN; {}; COMMIT", statements.join(";"));
    let told = shell.batch_execute(&all).await;
    shell.batch_execute("ROLLBACK").await.expect("rolls back");
    told.map_err(|error| error.as_db_error().map_or(error.to_string(), |e| e.message().into()))
}

async fn refused(shell: &Client, statements: &[String], why: &str) {
    match told(shell, statements).await {
        Err(said) => assert!(said.contains(why), "{said}"),
        Ok(()) => panic!("was let through: {statements:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_has_no_gaps() {
    let shell = shell().await;
    let (open, close) = (OPEN.to_owned(), CLOSE.to_owned());
    for rows in ["(2, 1, 2), (4, 1, 3)", "(3, 1, 2), (4, 1, 3)", "(5, 1, 2)"] {
        refused(&shell, &[open.clone(), events(rows), close.clone()], "given_by_ledger").await;
    }
    let short = [open.clone(), events("(2, 1, 2), (3, 1, 3)"), close.clone()];
    refused(&shell, &short, "the head is where the log ends").await;
    let late = events("(2, 1, 2), (3, 1, 3), (4, 1, 4)")
        .replace("l.last_created_at", "l.last_created_at + interval '1 microsecond'");
    refused(&shell, &[open.clone(), late, close.clone()], "given_by_ledger").await;
    // One statement may go on where another ended.
    let whole = [open, events("(2, 1, 2)"), events("(3, 1, 3), (4, 1, 4)"), close];
    assert_eq!(told(&shell, &whole).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_is_of_an_item() {
    let shell = shell().await;
    for rows in [
        "(2, 1, 2), (3, 2, 1), (4, 1, 3)",
        "(2, 1, 2), (3, 0, 1), (4, 1, 3)",
        "(2, -1, 1), (3, 1, 2), (4, 1, 3)",
    ] {
        let written = [OPEN.to_owned(), events(rows), CLOSE.to_owned()];
        refused(&shell, &written, "item_not_found").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_have_no_gaps() {
    let shell = shell().await;
    let open = "UPDATE ledgers SET writing_after = position, items_revision = items_revision + 2";
    let made = |ids: [i32; 2]| {
        let [first, second] = ids;
        let change = format!(
            "INSERT INTO item_changes (
               revision, item_id, action, position, name, unit, allow_negative, created_at,
               updated_at)
             SELECT c.revision, c.item_id, 'created', l.position, 'Brioche', 'piece', false,
               l.last_created_at, l.last_created_at
             FROM ledgers AS l, (VALUES (2, {first}), (3, {second})) AS c (revision, item_id)"
        );
        let items = "INSERT INTO items (
               id, name, unit, allow_negative, created_at, updated_at, revision)
             SELECT c.item_id, c.name, c.unit, c.allow_negative, c.created_at, c.updated_at,
               c.revision
             FROM item_changes AS c WHERE c.revision > 1";
        [open.to_owned(), change, items.to_owned(), CLOSE.to_owned()]
    };
    for ids in [[2, 4], [3, 4], [5, 2]] {
        refused(&shell, &made(ids), "items are numbered 1, 2, 3").await;
    }
    assert_eq!(told(&shell, &made([2, 3])).await, Ok(()));
}

/// One more piece of an item, as the service would send it, whoever calls.
fn appended(item: i64, change: &str) -> String {
    format!(
        "SELECT a.written, a.recorded_at FROM ledgers AS l, ies_append_batch(
           l.ledger_id, l.epoch, l.position, l.items_revision, l.counts_revision,
           l.last_request_id, l.last_created_at, clock_timestamp(), NULL, 'shell', false,
           ARRAY[{item}]::bigint[], {change}, ARRAY['batch'], ARRAY[2]::bigint[],
           ARRAY[11]::bigint[], ARRAY[NULL]::text[], ARRAY[NULL]::timestamptz[],
           ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY[NULL]::bigint[],
           ARRAY[NULL]::bigint[], '{{}}', '{{}}', '{{}}', '{{}}', '{{}}') AS a"
    )
}

const ONE: &str = "ARRAY[1]::bigint[]";

async fn is_appended(shell: &Client, item: i64) -> bool {
    shell.query_one(&appended(item, ONE), &[]).await.expect("an answer").get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_appended_by_its_function_and_what_follows_is_guarded() {
    let shell = shell().await;
    for item in [2, 0, -1] {
        assert!(!is_appended(&shell, item).await, "there is no item {item}");
    }
    refused(&shell, &[appended(1, "ARRAY[2000000001]")], "quantity_change").await;
    refused(&shell, &[appended(1, "ARRAY[NULL]::bigint[]")], "null value").await;
    let by_hand = [
        events("(3, 1, 3)"),
        "UPDATE item_inventory SET quantity = quantity + 1".to_owned(),
        "UPDATE ledgers SET position = position + 1".to_owned(),
        "INSERT INTO requests (id, key, hash, actor, created_at, position, outcome)
         VALUES (3, 'k', decode(repeat('00', 32), 'hex'), 'anna', clock_timestamp(), 3, '{}')"
            .to_owned(),
    ];
    for statement in &by_hand {
        // Neither what the function says nor its having run lets anybody else through.
        let says_so = "SET LOCAL ies.appending = 'on'".to_owned();
        let why = if statement.starts_with("INSERT INTO item_event_store") {
            "given_by_ledger"
        } else {
            "unexplained"
        };
        refused(&shell, &[says_so, statement.clone()], why).await;
        refused(&shell, &[appended(1, ONE), statement.clone()], why).await;
    }
    assert!(is_appended(&shell, 1).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_function_that_is_let_through_is_the_service_s_alone() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let ledger = open(&cluster.url("ies_app", &database)).await;
    recorded(send(&ledger, create("Croissant", 10)).await);
    let reader = cluster.connect("ies_read", &database).await;
    let writes = "SET default_transaction_read_only = off";
    reader.batch_execute(writes).await.expect("may say so");
    refused(&reader, &[appended(1, ONE)], "permission denied for function ies_append_batch").await;
    // The owner's own statements are guarded, also after one that was let through.
    let owner = cluster.connect("ies_owner", &database).await;
    refused(&owner, &[appended(1, ONE), events("(3, 1, 3)")], "given_by_ledger").await;
    assert!(is_appended(&owner, 1).await);
    // It knows the store's tables from others of the same name.
    let shell = cluster.connect("ies_app", &database).await;
    let shadow = "CREATE TEMPORARY TABLE item_event_store AS TABLE public.item_event_store";
    shell.batch_execute(shadow).await.expect("anybody may");
    assert!(is_appended(&shell, 1).await);
    let counted = "SELECT (SELECT count(*) FROM public.item_event_store),
        (SELECT count(*) FROM pg_temp.item_event_store)";
    let counted = shell.query_one(counted, &[]).await.expect("counts");
    assert_eq!((counted.get::<_, i64>(0), counted.get::<_, i64>(1)), (3, 2));
}

/// Tables of the session's own that have the names of the store's, and say what the guards ask for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guards_know_the_store_s_tables_from_others_of_the_same_name() {
    let shell = shell().await;
    let own = |table: &str, change: &str| {
        format!(
            "CREATE TEMPORARY TABLE {table} AS TABLE public.{table};
             UPDATE pg_temp.{table} {change}"
        )
    };
    let opened = own("ledgers", &OPEN.replace("UPDATE ledgers SET", "SET last_request_id = 2,"));
    let complete = events("(2, 1, 2), (3, 1, 3), (4, 1, 4)")
        .replace("INTO item_event_store", "INTO public.item_event_store");
    refused(&shell, &[opened.clone(), complete], "given_by_ledger").await;
    let request =
        "INSERT INTO public.requests (id, key, hash, actor, created_at, position, outcome)
         VALUES (2, 'k', decode(repeat('00', 32), 'hex'), 'anna', clock_timestamp(), 1, '{}')";
    refused(&shell, &[opened, request.to_owned()], "unexplained").await;
    let event = own("item_event_store", "SET quantity_after = 99");
    let count = "UPDATE public.item_inventory SET quantity = 99".to_owned();
    refused(&shell, &[event.clone(), count], "unexplained").await;
    let head = "UPDATE public.ledgers SET position = 9".to_owned();
    refused(&shell, &[own("item_event_store", "SET id = 9"), head], "unexplained").await;
    let item = own("items", "SET id = 9");
    let gone = "DELETE FROM public.item_inventory".to_owned();
    refused(&shell, &[item.clone(), gone], "unexplained").await;
    let change = own("item_changes", "SET name = 'Cornetto', revision = 2");
    let named = "UPDATE public.items SET name = 'Cornetto', revision = 2".to_owned();
    refused(&shell, &[change, named], "unexplained").await;
    // What is typed in by hand is completed by the store's log, too.
    let others = [own("ledgers", "SET position = 9"), event, item].join(";");
    let typed = INSERT.replace("INTO ", "INTO public.");
    assert_eq!(told(&shell, &[others, typed]).await, Ok(()));
    let balance = "SELECT quantity_after FROM public.item_event_store WHERE id = 2";
    assert_eq!(shell.query_one(balance, &[]).await.expect("an event").get::<_, i32>(0), 11);
}
