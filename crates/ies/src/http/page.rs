//! Pages of lists: the limit, the opaque cursor that continues a list, and the `Link` to it. A
//! cursor belongs to the filters that it was given out for.

use super::extract::Json;
use super::problem::{Problem, kinds};
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use item_event_store::limits::{PAGE_DEFAULT, PAGE_MAX};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Display;
use std::str::FromStr;

const CURSOR_VERSION: u8 = 1;
const FILTER_BYTES: usize = 8;

/// A page of a list as it was asked for. `K` tells the list's rows apart: mostly an id.
pub struct Page<K = i64> {
    /// At most so many rows.
    pub limit: usize,
    /// The key of the last row of the page before.
    pub after: Option<K>,
    filters: [u8; FILTER_BYTES],
}

impl<K: Display + FromStr> Page<K> {
    /// Reads `limit` and `cursor` of the list `list` with these filters.
    pub fn new(
        list: &str,
        filters: &impl Serialize,
        limit: Option<usize>,
        cursor: Option<&str>,
    ) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_MAX).contains(&limit) {
            let detail = format!("limit is 1 to {PAGE_MAX}");
            return Err(Problem::new(&kinds::INVALID_QUERY, detail));
        }
        let filters = hash(list, filters)?;
        let after = match cursor {
            None => None,
            Some(text) => Some(decode(text, filters).ok_or_else(|| {
                let detail = "take it from next_cursor and keep the filters as they were";
                Problem::new(&kinds::INVALID_CURSOR, detail)
            })?),
        };
        Ok(Self { limit, after, filters })
    }

    /// How many rows to read: one more than asked for tells whether there is another page.
    pub fn rows(&self) -> usize {
        self.limit + 1
    }

    /// Cuts the rows to the page, and says where the next one begins.
    pub fn cut<T>(&self, rows: &mut Vec<T>, key: impl Fn(&T) -> K) -> Option<String> {
        if rows.len() <= self.limit {
            return None;
        }
        rows.truncate(self.limit);
        rows.last().map(|row| self.encode(&key(row)))
    }

    fn encode(&self, key: &K) -> String {
        let mut bytes = vec![CURSOR_VERSION];
        bytes.extend(self.filters);
        bytes.extend(key.to_string().into_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }
}

fn hash(list: &str, filters: &impl Serialize) -> Result<[u8; FILTER_BYTES], Problem> {
    let json = serde_json::to_vec(&(list, filters)).map_err(Problem::internal)?;
    let digest = Sha256::digest(&json);
    let mut hash = [0; FILTER_BYTES];
    hash.copy_from_slice(&digest[..FILTER_BYTES]);
    Ok(hash)
}

fn decode<K: FromStr>(text: &str, filters: [u8; FILTER_BYTES]) -> Option<K> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let (version, rest) = bytes.split_first()?;
    let (hash, key) = rest.split_first_chunk::<FILTER_BYTES>()?;
    let ours = *version == CURSOR_VERSION && *hash == filters;
    ours.then(|| std::str::from_utf8(key).ok()?.parse().ok()).flatten()
}

/// A page with the `Link` to the next one.
pub fn reply(uri: &Uri, next_cursor: Option<&str>, body: impl Serialize) -> Response {
    let mut response = Json(body).into_response();
    if let Some(link) = next_cursor.and_then(|cursor| link(uri, cursor)) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

fn link(uri: &Uri, cursor: &str) -> Option<HeaderValue> {
    let query = uri.query().unwrap_or_default().split('&');
    let kept = query.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let mut target = format!("<{}?", uri.path());
    for pair in kept {
        target.push_str(pair);
        target.push('&');
    }
    HeaderValue::from_str(&format!("{target}cursor={cursor}>; rel=\"next\"")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(list: &str, filter: &str, limit: Option<usize>, cursor: Option<&str>) -> Option<Page> {
        Page::new(list, &filter, limit, cursor).ok()
    }

    #[test]
    fn a_cursor_continues_its_own_list_only() {
        let first = page("items", "a", Some(2), None).expect("a page");
        assert_eq!((first.limit, first.after), (2, None));
        let mut rows = vec![10, 11, 12];
        let cursor = first.cut(&mut rows, |row| *row).expect("there is more");
        assert_eq!(rows, [10, 11]);
        let next = page("items", "a", Some(2), Some(&cursor)).expect("the same filters");
        assert_eq!(next.after, Some(11));
        assert_eq!(next.cut(&mut vec![12, 13], |row| *row), None);
        assert!(page("items", "b", Some(2), Some(&cursor)).is_none());
        assert!(page("events", "a", Some(2), Some(&cursor)).is_none());
        for bad in ["", "x", "AAAA", &cursor[1..], &format!("{cursor}AAAA")] {
            assert!(page("items", "a", None, Some(bad)).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_limit_is_within_its_range() {
        assert_eq!(page("l", "", None, None).expect("a page").limit, PAGE_DEFAULT);
        assert!(page("l", "", Some(1), None).is_some());
        assert!(page("l", "", Some(PAGE_MAX), None).is_some());
        assert!(page("l", "", Some(0), None).is_none());
        assert!(page("l", "", Some(PAGE_MAX + 1), None).is_none());
    }

    #[test]
    fn the_link_keeps_the_filters() {
        let uri = "/v1/events?item_id=1&cursor=old&limit=2".parse().expect("a URI");
        let link = link(&uri, "new").expect("a header");
        assert_eq!(link, "</v1/events?item_id=1&limit=2&cursor=new>; rel=\"next\"");
    }
}
