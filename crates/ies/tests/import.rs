//! Real input: a bakery's sales, imported through the binary and held against arithmetic of our
//! own.

mod server;

use serde_json::Value;
use server::{done, ies};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// One sale: date, time, item.
type Sale = (String, String, String);

/// 21,293 sales of a real bakery, beside the checkout. Absent, there is nothing to test; in CI that
/// is a failure.
fn sales() -> Option<Vec<Sale>> {
    let shared = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let file = shared.join("bread_basket_sales.csv");
    if !file.exists() {
        assert!(std::env::var_os("CI").is_none(), "{} is missing", file.display());
        eprintln!("skipped: {} is not there", file.display());
        return None;
    }
    let mut rows = csv::Reader::from_path(file).expect("a CSV file");
    let sale = |row: csv::StringRecord| {
        // One item of this file has a space behind its name.
        (row[0].to_owned(), row[1].to_owned(), row[3].trim().to_owned())
    };
    Some(rows.records().map(|row| sale(row.expect("a row"))).collect())
}

/// For each day and item a batch at 05:00, rounded up to a dozen, and a bakeoff for each sale.
fn derive(sales: &[Sale]) -> Vec<(String, &'static str, i64, String)> {
    let mut days: BTreeMap<&str, BTreeMap<&str, i64>> = BTreeMap::new();
    for (date, _, item) in sales {
        *days.entry(date).or_default().entry(item).or_default() += 1;
    }
    let mut lines = Vec::new();
    for (date, items) in &days {
        for (item, sold) in items {
            let dozens = (sold + 11) / 12 * 12;
            lines.push(((*item).to_owned(), "batch", dozens, format!("{date}T05:00:00Z")));
        }
        let of_day = sales.iter().filter(|(day, _, _)| day == date);
        for (_, time, item) in of_day {
            lines.push((item.clone(), "bakeoff", 1, format!("{date}T{time}Z")));
        }
    }
    lines
}

fn write_csv(file: &Path, lines: &[(String, &str, i64, String)]) {
    let mut text = String::from("item,reason,quantity,occurred_at\n");
    for (item, reason, quantity, at) in lines {
        let _ = writeln!(text, "\"{item}\",{reason},{quantity},{at}");
    }
    std::fs::write(file, text).expect("written");
}

fn signed(reason: &str, quantity: i64) -> i64 {
    if reason == "batch" { quantity } else { -quantity }
}

fn json(arguments: &[&str], store: &Path) -> Value {
    let arguments = [arguments, &["--format", "json"]].concat();
    serde_json::from_str(&done(&ies(&arguments, store))).expect("JSON")
}

fn counts(stock: &Value) -> BTreeMap<String, i64> {
    let rows = stock["inventory"].as_array().expect("rows").iter();
    let count = |row: &Value| row["quantity"].as_i64().expect("a quantity");
    rows.map(|row| (row["name"].as_str().expect("a name").to_owned(), count(row))).collect()
}

fn fold(lines: &[(String, &str, i64, String)]) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for (item, reason, quantity, _) in lines {
        *counts.entry(item.clone()).or_insert(0) += signed(reason, *quantity);
    }
    counts
}

#[test]
fn a_real_bakery_s_sales_come_out_as_our_own_arithmetic_says() {
    let Some(sales) = sales() else { return };
    assert_eq!(sales.len(), 21_293);
    let lines = derive(&sales);
    let folder = tempfile::tempdir().expect("a folder");
    let (store, file) = (folder.path().join("store"), folder.path().join("sales.csv"));
    write_csv(&file, &lines);
    let path = file.to_str().expect("text");

    let dry = ies(&["import", path, "--create-items", "--dry-run"], &store);
    assert!(!store.join("main.db").exists() || dry.status.success());
    done(&ies(&["import", path, "--create-items"], &store));
    let expected = fold(&lines);
    assert_eq!(counts(&json(&["stock"], &store)), expected);

    let middle = lines.len() / 2;
    let mut then = counts(&json(&["stock", "--as-of", &middle.to_string()], &store));
    then.retain(|_, quantity| *quantity != 0);
    let mut expected_then = fold(&lines[..middle]);
    expected_then.retain(|_, quantity| *quantity != 0);
    assert_eq!(then, expected_then);

    check_one_day(&store, &lines);
    done(&ies(&["verify"], &store));

    let before = json(&["log"], &store)["position"].clone();
    done(&ies(&["import", path, "--create-items"], &store));
    assert_eq!(json(&["log"], &store)["position"], before, "the same file again records nothing");
    assert_eq!(counts(&json(&["stock"], &store)), expected);
}

fn check_one_day(store: &Path, lines: &[(String, &str, i64, String)]) {
    let stock = json(&["stock"], store);
    let rows = stock["inventory"].as_array().expect("rows");
    let bread = rows.iter().find(|row| row["name"] == "Bread").expect("Bread");
    let chart = json(&["chart", &bread["item_id"].to_string()], store);
    let day = "2016-11-05";
    let shown = chart["days"].as_array().expect("days").iter().find(|d| d["day"] == day);
    let shown = shown.expect("the day");
    let of_bread = || lines.iter().filter(|line| line.0 == "Bread");
    let sum = |reason: &str| -> i64 {
        let of_day = of_bread().filter(|line| line.1 == reason && line.3.starts_with(day));
        of_day.map(|line| signed(line.1, line.2)).sum()
    };
    let before = of_bread().filter(|line| &line.3[..10] < day);
    let opening: i64 = before.map(|line| signed(line.1, line.2)).sum();
    assert_eq!(shown["opening"], opening);
    assert_eq!(shown["batch"], sum("batch"));
    assert_eq!(shown["bakeoff"], sum("bakeoff"));
    assert!(sum("bakeoff") < -10, "a busy day");
    assert_eq!(shown["closing"], opening + sum("batch") + sum("bakeoff"));
}

#[test]
fn a_bad_line_is_named_and_nothing_of_its_request_is_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, file) = (folder.path().join("store"), folder.path().join("bad.csv"));
    let path = file.to_str().expect("text");
    std::fs::write(&file, "item,reason,quantity\nRoll,initial,5\nRoll,bakeoff,6\n")
        .expect("written");
    let output = ies(&["import", path], &store);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("line 3") && stderr.contains("insufficient_stock"), "{stderr}");
    for (text, line, column) in [
        ("item,reason,quantity\nRoll,gift,5\n", "line 2", "reason"),
        ("item,reason,quantity\nRoll,batch,five\n", "line 2", "quantity"),
        ("item,reason,quantity,occurred_at\nRoll,batch,5,monday\n", "line 2", "occurred_at"),
        ("item,reason,quantity\nBun,batch,5\n", "line 2", "item"),
        ("item,reason,quantity,colour\nRoll,batch,5,red\n", "line 1", "colour"),
    ] {
        std::fs::write(&file, text).expect("written");
        let output = ies(&["import", path], &store);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(65), "{text}: {stderr}");
        assert!(stderr.contains(line) && stderr.contains(column), "{text}: {stderr}");
    }
}
