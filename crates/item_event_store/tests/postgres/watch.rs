//! Whoever asks for what comes after the last id it saw: the check that an order holds. It is made
//! of any log with an `id`, so that it can be seen to find the fault that it is for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_postgres::Client;

/// Reads a log by `id > last`, as it grows, until the writers are done and nothing is left.
pub async fn watch(reader: Client, log: &str, done: Arc<AtomicBool>) -> Vec<i64> {
    let after = format!("SELECT id FROM {log} WHERE id > $1 ORDER BY id LIMIT 1000");
    let after = reader.prepare(&after).await.expect("a statement");
    let mut seen = Vec::new();
    loop {
        let last = done.load(Ordering::SeqCst);
        let page = reader.query(&after, &[&seen.last().unwrap_or(&0)]).await.expect("reads");
        seen.extend(page.iter().map(|row| row.get::<_, i64>(0)));
        if page.is_empty() && last {
            return seen;
        }
        if page.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Whether 1 to `end` were seen, each once and in order.
pub fn each_once_in_order(seen: &[i64], end: i64) -> Result<(), String> {
    let wrong = seen.iter().copied().zip(1..).find(|(id, due)| id != due);
    match wrong {
        Some((id, due)) => Err(format!("{id} came where {due} was due")),
        None if seen.last().copied().unwrap_or(0) == end => Ok(()),
        None => Err(format!("{} of {end} came", seen.len())),
    }
}
