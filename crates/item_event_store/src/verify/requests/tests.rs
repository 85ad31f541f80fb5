//! Requests beside a log, as a table: what is said on either side, and what is found.

use super::*;
use crate::ids::{Epoch, ItemId};
use crate::reason::Reason;
use crate::settings::Settings;
use crate::text::Text;

/// A request is `id@position*events`, then `r2-5` for its changes of items, `t9` for its time, and
/// who sent it; an event the number of its request, `-` for none, then the same. What is not said
/// is nothing, the time 1 and baker. A line that ends with a semicolon goes on in the next.
const TABLE: &str = "
    requests                | events   | findings
                            |          |
                            | - -      |
    1@1*1 2@3*2             | 1 2 2    |
    1@0 2@0 3@1*1 4@1       | 3        |
    1@0 2@1 3@3*1 4@4 5@4   | - - 3 -  |
    1@0t9 2@1*1 3@1t5       | 2        |
    1@0r0-3 2@0r3-3 3@0r5-6 |          |

    1@2*1                   | 1        | request 1 says position 2, its last event is 1
    1@1*1 2@1*1             | 1 2      | request 2 says position 1, its last event is 2
    1@9*1 2@2*1             | 1 2      | request 1 says position 9, its last event is 1
    1@1*2                   | 1        | request 1 says 2 events, the log 1
    1@2*1                   | 1 1      | request 1 says 1 events, the log 2
    1@0*1 2@1*1             | 2        | request 1 says 1 events, the log 0
    1@1*1 2@1*1             | 1        | request 2 says 1 events, the log 0
    1@1*1                   | -        | of no request, and request 1 says it is its own
    1@1*1 2@2*1 3@3*1       | 1 3 3    | of request 3, and request 2 says it is its own
    1@1*1 2@2*1 3@3*1       | 1 1 3    | request 1 says 1 events, the log 2;
                            |          | request 2 says 1 events, the log 0
    1@1*1 2@2*1 3@3*1       | 1 2 2    | request 2 says 1 events, the log 2;
                            |          | request 3 says 1 events, the log 0
    1@1*1 2@3*2             | 1 2 1    | of request 1, and request 2 says it is its own
    1@1*1 2@2*1             | 9 2      | of request 9, and request 1 says it is its own
    1@1*1                   | 1 - 9    | of request 9, of which no event was due
    1@1*1                   | 1 9 9    | of request 9, of which no event was due
    1@2 2@2*1               | - 2      | request 1 says position 2, where 0 to 1 was due
    1@1*1 2@0               | 1        | request 2 says position 0, where 1 to 1 was due
    1@1*1 2@2               | 1        | request 2 says position 2, where 1 to 1 was due
    1@1 2@0 3@1             | -        | request 2 says position 0, where 1 to 1 was due
    1@5 2@0 3@1*1           | 3        | request 1 says position 5, where 0 to 0 was due
    1@1*1 3@2*1             | 1 3      | request 3 where 2 was due
    2@0                     |          | request 2 where 1 was due
    1@1*1t2                 | 1        | recorded at 1, and request 1 decided at 2
    1@2*2t2                 | 1t2 1t3  | recorded at 3, and request 1 decided at 2
    1@2*2t2                 | 1 1      | recorded at 1, and request 1 decided at 2
    1@1*1t5 2@1t4           | 1t5      | request 2 was decided at 4, before event 1 was recorded
    1@1*1                   | 1manager | not by baker, who sent request 1
    1@0r0-3 2@0r2-4         |          | request 2 says revisions 2 to 4 of items, after 3
    1@0r4-3                 |          | request 1 says revisions 4 to 3 of items, after 0
";

/// What the letters after a number say.
struct Said {
    at: i64,
    revisions: Option<(i64, i64)>,
    actor: &'static str,
}

fn said(text: &str) -> (&str, Said) {
    let (text, actor) = match text.strip_suffix("manager") {
        Some(text) => (text, "manager"),
        None => (text, "baker"),
    };
    let (text, at) = text.split_once('t').unwrap_or((text, "1"));
    let (text, revisions) = text.split_once('r').map_or((text, None), |(text, revisions)| {
        let (from, to) = revisions.split_once('-').expect("from and to");
        (text, Some((number(from), number(to))))
    });
    (text, Said { at: number(at), revisions, actor })
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or_else(|_| panic!("'{text}' is a number"))
}

fn request(text: &str) -> RequestTrace {
    let (text, Said { at, revisions, actor }) = said(text);
    let (id, rest) = text.split_once('@').expect("an id");
    let (position, events) = rest.split_once('*').unwrap_or((rest, "0"));
    RequestTrace {
        id: number(id),
        actor: Text::stored(actor),
        created_at: Timestamp::from_micros(at),
        position: Position(number(position)),
        events: usize::try_from(number(events)).expect("a number of events"),
        item_revisions: revisions,
    }
}

fn event(position: i64, text: &str) -> Event {
    let (text, Said { at, actor, .. }) = said(text);
    Event {
        id: Position(position),
        item_id: ItemId(1),
        version: position,
        quantity_change: 1,
        quantity_after: position,
        reason: Reason::Batch,
        kind: None,
        occurred_at: None,
        created_at: Timestamp::from_micros(at),
        actor: Some(Text::stored(actor)),
        reference: None,
        note: None,
        corrects_event_id: None,
        request_id: (text != "-").then(|| number(text)),
    }
}

/// The findings' sentences, with times as the table has them.
fn found(requests: &str, events: &str, head: impl FnOnce(&mut Head)) -> String {
    let mut requests = requests.split_whitespace().map(request).peekable();
    let (mut fold, mut findings) = (Fold::default(), Findings::default());
    let mut last_id = 0;
    let mut next = |fold: &mut Fold, findings: &mut Findings| {
        let next = requests.next();
        last_id = next.as_ref().map_or(last_id, |next| next.id);
        fold.request(next, findings);
    };
    next(&mut fold, &mut findings);
    for (text, position) in events.split_whitespace().zip(1..) {
        while !fold.event(&event(position, text), &mut findings) {
            next(&mut fold, &mut findings);
        }
    }
    while fold.open.is_some() {
        next(&mut fold, &mut findings);
    }
    let mut end = Head {
        position: fold.position,
        epoch: Epoch::from_number(1),
        items_revision: 6,
        counts_revision: 0,
        last_request_id: last_id,
        last_created_at: Timestamp::MIN,
        settings: Settings::default(),
        created_at: Timestamp::MIN,
    };
    head(&mut end);
    fold.compare_head(&end, &mut findings);
    let mut text: String =
        findings.listed.iter().map(|found| found.detail.clone() + "; ").collect();
    for micros in 1..10 {
        text = text.replace(&Timestamp::from_micros(micros).to_string(), &micros.to_string());
    }
    text.trim_end_matches("; ").to_owned()
}

#[test]
fn what_a_request_says_is_held_against_the_log() {
    let mut rows = TABLE.lines().map(str::trim).filter(|line| !line.is_empty()).skip(1);
    while let Some(row) = rows.next() {
        let cells: Vec<&str> = row.splitn(3, '|').map(str::trim).collect();
        let [requests, events, findings] = cells[..] else { panic!("'{row}' has three cells") };
        let mut findings = findings.to_owned();
        while findings.ends_with(';') {
            let (_, more) = rows.next().and_then(|row| row.rsplit_once("| ")).expect("a line");
            findings = format!("{findings} {more}");
        }
        assert_eq!(found(requests, events, |_| ()), findings, "{row}");
    }
}

#[test]
fn the_head_names_the_last_request_and_no_revision_before_it() {
    let (requests, events) = ("1@1*1 2@2*1 3@2r2-6", "1 2");
    assert_eq!(found(requests, events, |_| ()), "");
    for last in [2, 4] {
        let found = found(requests, events, |head| head.last_request_id = last);
        assert_eq!(found, format!("the head row says request {last}, the last one is 3"));
    }
    let found = found(requests, events, |head| head.items_revision = 5);
    assert_eq!(found, "the head row says revision 5 of items, a request 6");
}
