//! `ies log`: the events, newest first; or as they come.

use crate::cli::api::Api;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Output, numbers, or_empty, signed, table, words};
use crate::cli::stock::when;
use crate::cli::transport::{Body, innermost};
use crate::wire;
use http_body_util::BodyExt as _;
use item_event_store::limits::PAGE_MAX;
use item_event_store::reason::{Kind, Reason};
use std::collections::HashMap;

/// `ies log`.
#[derive(Debug, clap::Args)]
pub struct Log {
    /// An id, or sku:…; every item when absent
    item: Option<String>,
    /// Print the last events oldest first, then every new one as it is recorded
    #[arg(long, short)]
    follow: bool,
    /// Only events for this reason
    #[arg(long)]
    reason: Option<Reason>,
    /// Only adjustments of this kind
    #[arg(long)]
    kind: Option<Kind>,
    /// How many events
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

/// Names of items, asked for once each.
#[derive(Default)]
pub struct Names(HashMap<i64, String>);

impl Names {
    /// The name of an item.
    pub async fn of(&mut self, api: &Api, id: i64) -> Result<String, Failure> {
        if let Some(name) = self.0.get(&id) {
            return Ok(name.clone());
        }
        let answer: wire::ItemReply = api.get(&format!("/v1/items/{id}"), &[]).await?;
        self.0.insert(id, answer.item.name.clone());
        Ok(answer.item.name)
    }
}

impl Log {
    /// Shows it.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let item = match &self.item {
            Some(item) => Some(api.item_id(item).await?),
            None => None,
        };
        let mut names = Names::default();
        let mut page = self.last_events(api, item).await?;
        if self.follow {
            page.events.reverse();
            let position = page.position;
            for event in &page.events {
                print(api, output, &mut names, event).await?;
            }
            return self.follow(api, output, item, position, &mut names).await;
        }
        if output.is_json() {
            output.print(&crate::cli::output::pretty(&page))?;
        } else {
            let mut rows = Vec::with_capacity(page.events.len());
            for event in &page.events {
                rows.push(row(event, names.of(api, event.item_id).await?));
            }
            output.print(&table(&COLUMNS, &rows))?;
        }
        Ok(Exit::Ok)
    }

    async fn last_events(&self, api: &Api, item: Option<i64>) -> Result<wire::EventPage, Failure> {
        let path = item.map_or("/v1/events".to_owned(), |id| format!("/v1/items/{id}/events"));
        let mut query = vec![("order", "newest".to_owned())];
        query.extend(self.reason.map(|reason| ("reason", reason.to_string())));
        query.extend(self.kind.map(|kind| ("kind", kind.to_string())));
        let ask = |missing: usize| ("limit", missing.clamp(1, PAGE_MAX).to_string());
        let mut first = query.clone();
        first.push(ask(self.limit));
        let mut all: wire::EventPage = api.get(&path, &first).await?;
        while all.events.len() < self.limit
            && let Some(cursor) = all.next_cursor.take()
        {
            let mut further = query.clone();
            further.extend([ask(self.limit - all.events.len()), ("cursor", cursor)]);
            let page: wire::EventPage = api.get(&path, &further).await?;
            all.events.extend(page.events);
            all.next_cursor = page.next_cursor;
        }
        all.events.truncate(self.limit);
        Ok(all)
    }

    async fn follow(
        &self,
        api: &Api,
        output: Output,
        item: Option<i64>,
        position: i64,
        names: &mut Names,
    ) -> Result<Exit, Failure> {
        let query = [("after", position.to_string())];
        let mut body = api.stream("/v1/events/stream", &query).await?;
        let mut frames = Frames::default();
        while let Some(bytes) = next_bytes(&mut body).await? {
            for data in frames.push(&bytes) {
                // What is no event, such as the notice of a shutdown, is not for the log.
                let Ok(event) = serde_json::from_str::<wire::Event>(&data) else { continue };
                if self.admits(item, &event) {
                    print(api, output, names, &event).await?;
                }
            }
        }
        Err(Failure::new(Exit::Unavailable, "the server ended the stream")
            .hint("the same command again goes on where the log is then"))
    }

    fn admits(&self, item: Option<i64>, event: &wire::Event) -> bool {
        item.is_none_or(|id| id == event.item_id)
            && self.reason.is_none_or(|reason| reason.as_str() == event.reason)
            && self.kind.is_none_or(|kind| event.kind.as_deref() == Some(kind.as_str()))
    }
}

const COLUMNS: [crate::cli::output::Column; 10] = [
    numbers("POSITION"),
    words("WHEN (UTC)"),
    words("ITEM"),
    words("REASON"),
    words("KIND"),
    numbers("CHANGE"),
    numbers("COUNT"),
    words("WHO"),
    words("REFERENCE"),
    words("NOTE"),
];

fn row(event: &wire::Event, name: String) -> Vec<String> {
    let kind = match event.corrects_event_id {
        Some(original) => format!("correction of {original}"),
        None => or_empty(event.kind.as_ref()),
    };
    vec![
        event.id.to_string(),
        when(event),
        name,
        event.reason.clone(),
        kind,
        signed(event.quantity_change),
        event.quantity_after.to_string(),
        or_empty(event.actor.as_ref()),
        or_empty(event.reference.as_ref()),
        or_empty(event.note.as_ref()),
    ]
}

/// Prints one event of a stream: a line of its own, for there is no last one to align with.
async fn print(
    api: &Api,
    output: Output,
    names: &mut Names,
    event: &wire::Event,
) -> Result<(), Failure> {
    if output.is_json() {
        let line = serde_json::to_string(event)
            .map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
        return output.print(&line);
    }
    let name = names.of(api, event.item_id).await?;
    let what = crate::cli::text::event(event);
    let who = event.actor.as_ref().map(|actor| format!("  by {actor}")).unwrap_or_default();
    let note = event.note.as_ref().map(|note| format!("  {note}")).unwrap_or_default();
    let after = event.quantity_after;
    output.print(&format!(
        "{:>8}  {}  {name}: {what}, {after} now{who}{note}",
        event.id,
        when(event)
    ))
}

async fn next_bytes(body: &mut Body) -> Result<Option<bytes::Bytes>, Failure> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => {
                let message = format!("the stream broke off: {}", innermost(error.as_ref()));
                return Err(Failure::new(Exit::Unavailable, message));
            }
        }
    }
}

/// Server-sent events, cut out of the bytes as they arrive.
#[derive(Default)]
struct Frames {
    rest: Vec<u8>,
    data: String,
}

impl Frames {
    /// The `data` of every frame that is complete now.
    fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(bytes);
        let mut complete = Vec::new();
        while let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                if !self.data.is_empty() {
                    complete.push(std::mem::take(&mut self.data));
                }
            } else if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data += data.strip_prefix(' ').unwrap_or(data);
            }
        }
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_wherever_the_bytes_are_cut() {
        let stream =
            b": hello\n\nid: a-1-b\nevent: batch\ndata: {\"a\":1}\n\ndata: x\r\ndata: y\r\n\r\n";
        for cut in 0..stream.len() {
            let mut frames = Frames::default();
            let mut found = frames.push(&stream[..cut]);
            found.extend(frames.push(&stream[cut..]));
            assert_eq!(found, ["{\"a\":1}", "x\ny"], "cut at {cut}");
        }
    }
}
