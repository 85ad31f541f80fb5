//! Real time: the order of the requests must be one in which nothing that was over stands behind
//! what began later, and a read must see a head that was possible while it was under way.

use super::{Decided, Promise, Violation};
use crate::call::Call;
use crate::history::{Action, Answer, Op};
use crate::model::Model;
use std::collections::HashMap;
use std::sync::Arc;

/// How many broken orders are worth telling.
const TELL: usize = 5;

/// A request with the time within which it was decided.
struct Window<'a> {
    key: &'a str,
    /// The first time that it was sent.
    from: u64,
    /// The first time that it was known to be decided.
    until: u64,
    positions: (i64, i64),
}

/// The windows of the decided requests, in the order of the ledger.
fn windows<'a>(
    keys: &HashMap<&'a str, Vec<(&Op, &Arc<Call>)>>,
    decided: &HashMap<&'a str, Decided>,
) -> Vec<Window<'a>> {
    let mut windows: Vec<_> = decided
        .iter()
        .map(|(key, decided)| {
            let calls = keys.get(key).map(Vec::as_slice).unwrap_or_default();
            let stored = |call: &Call| call.hash() == decided.hash;
            let of_content = calls.iter().filter(|(_, call)| stored(call));
            let from = of_content.map(|(op, _)| op.invoked).min().unwrap_or(0);
            let definite = calls.iter().filter(|(op, call)| {
                let reused = || says(op, "idempotency_key_reused");
                op.answer.is_definite() && (stored(call) || reused()) && !forbidden(op)
            });
            let until = definite.filter_map(|(op, _)| op.returned).min().unwrap_or(u64::MAX);
            (decided.id, Window { key, from, until, positions: decided.positions })
        })
        .collect();
    windows.sort_by_key(|(id, _)| *id);
    windows.into_iter().map(|(_, window)| window).collect()
}

fn says(op: &Op, code: &str) -> bool {
    matches!(&op.answer, Answer::Reply { body, .. } if body["code"] == code)
}

fn forbidden(op: &Op) -> bool {
    says(op, "forbidden_for_role")
}

/// The requests among themselves.
pub fn check_requests(
    keys: &HashMap<&str, Vec<(&Op, &Arc<Call>)>>,
    decided: &HashMap<&str, Decided>,
    broken: &mut Vec<Violation>,
) {
    let mut over_first: Option<Window<'_>> = None;
    let mut told = 0;
    for window in windows(keys, decided).into_iter().rev() {
        if let Some(later) = &over_first
            && later.until < window.from
            && told < TELL
        {
            told += 1;
            let what = format!(
                "{} was over before {} began, but the ledger has it behind",
                later.key, window.key
            );
            broken.push(Violation::new(Promise::I7Order, what));
        }
        if over_first.as_ref().is_none_or(|later| window.until < later.until) {
            over_first = Some(window);
        }
    }
}

/// A read that was answered.
struct Read<'a> {
    op: &'a Op,
    returned: u64,
    item: i64,
    position: i64,
    count: (i64, i64),
}

fn reads(ops: &[Op]) -> Vec<Read<'_>> {
    fn read(op: &Op) -> Option<Read<'_>> {
        let Op { action: Action::Read { item }, answer, returned: Some(returned), .. } = op else {
            return None;
        };
        let Answer::Reply { status: 200, body, .. } = answer else { return None };
        let count = &body["inventory"];
        Some(Read {
            op,
            returned: *returned,
            item: *item,
            position: body["position"].as_i64()?,
            count: (count["quantity"].as_i64()?, count["version"].as_i64()?),
        })
    }
    ops.iter().filter_map(read).collect()
}

/// The reads among the requests.
pub fn check_reads(
    ops: &[Op],
    keys: &HashMap<&str, Vec<(&Op, &Arc<Call>)>>,
    decided: &HashMap<&str, Decided>,
    model: &Model,
    broken: &mut Vec<Violation>,
) {
    let (windows, reads) = (windows(keys, decided), reads(ops));
    let over = windows.iter().map(|window| (window.until, window.positions.1));
    let seen = reads.iter().map(|read| (read.returned, read.position));
    let mut least: Vec<_> = over.chain(seen).filter(|(until, _)| *until < u64::MAX).collect();
    least.sort_unstable();
    let mut highest = 0;
    for (_, position) in &mut least {
        highest = highest.max(*position);
        *position = highest;
    }
    let mut most: Vec<_> = windows.iter().map(|w| (w.from, w.positions)).collect();
    most.sort_unstable();
    let mut lowest = i64::MAX;
    for (_, (before, after)) in most.iter_mut().rev() {
        lowest = lowest.min(if before == after { i64::MAX } else { *before });
        *before = lowest;
    }
    let mut found = Vec::new();
    for read in &reads {
        let over = least.partition_point(|(until, _)| *until < read.op.invoked);
        let at_least = over.checked_sub(1).map_or(0, |last| least[last].1);
        let began = most.partition_point(|(from, _)| *from < read.returned);
        let at_most = most.get(began).map_or(i64::MAX, |(_, (before, _))| *before);
        let (item, position) = (read.item, read.position);
        if position < at_least || position > at_most {
            found.push(format!(
                "a read of item {item} saw position {position}, where {at_least} to {at_most} \
                 were possible"
            ));
        }
        if let Some(count) = model.count_at(item, position)
            && count != read.count
        {
            found.push(format!(
                "a read of item {item} at position {position} saw {:?}, the log says {count:?}",
                read.count
            ));
        }
    }
    broken.extend(found.into_iter().take(TELL).map(|what| Violation::new(Promise::I7Order, what)));
}
