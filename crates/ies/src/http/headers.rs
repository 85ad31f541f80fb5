//! The request headers that mean something to us: the idempotency key and the preconditions.

use super::problem::{Problem, kinds};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use item_event_store::ids::IdempotencyKey;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The key that every write carries.
pub struct Key(pub IdempotencyKey);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(text) = only(&parts.headers, &IDEMPOTENCY_KEY, &kinds::KEY_INVALID)? else {
            let detail = "send Idempotency-Key: \"…\" with a text that you make up per request";
            return Err(Problem::new(&kinds::KEY_REQUIRED, detail));
        };
        parse_key(text).map(Self).map_err(|detail| Problem::new(&kinds::KEY_INVALID, detail))
    }
}

/// `If-Match` as the version that the item must have.
pub struct IfMatch(pub Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match only(&parts.headers, &header::IF_MATCH, &kinds::IF_MATCH_INVALID)? {
            None | Some("*") => Ok(Self(None)),
            Some(text) => parse_version(text).map(|version| Self(Some(version))).ok_or_else(|| {
                let detail = "If-Match is a strong ETag such as \"7\": the item's version";
                Problem::new(&kinds::IF_MATCH_INVALID, detail)
            }),
        }
    }
}

/// The header's value if it is there once and readable.
pub fn only<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
    kind: &'static kinds::Kind,
) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::new(kind, format!("{name} is there more than once")));
    }
    let text = value.to_str();
    text.map(|text| Some(text.trim()))
        .map_err(|_| Problem::new(kind, format!("{name} has characters other than visible ASCII")))
}

/// A structured-field string (RFC 9651), or the bare text that other services take.
pub fn parse_key(text: &str) -> Result<IdempotencyKey, String> {
    let Some(quoted) = text.strip_prefix('"') else {
        if text.contains(['"', '\\']) {
            return Err("quote a key that has quotes or backslashes".into());
        }
        return text.parse().map_err(|error| format!("{error}"));
    };
    let mut key = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    loop {
        match characters.next() {
            Some('"') if characters.as_str().is_empty() => break,
            Some('\\') => match characters.next() {
                Some(escaped @ ('"' | '\\')) => key.push(escaped),
                _ => return Err("a backslash stands before \" or \\ only".into()),
            },
            Some('"') => return Err("nothing may follow the closing quote".into()),
            Some(character) => key.push(character),
            None => return Err("the closing quote is missing".into()),
        }
    }
    key.parse().map_err(|error| format!("{error}"))
}

fn parse_version(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('"')?.strip_suffix('"')?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

/// The strong `ETag` of an item at a version.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// Whether `If-None-Match` names this `ETag` (weak comparison, RFC 9110 13.1.2).
pub fn none_match_names(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')).any(|text| {
        let text = text.trim();
        text == "*" || text.strip_prefix("W/").unwrap_or(text) == etag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_quoted_string_or_bare() {
        for (text, key) in [
            ("\"8e03978e-40d5\"", "8e03978e-40d5"),
            ("8e03978e-40d5", "8e03978e-40d5"),
            (r#""a\"b\\c""#, r#"a"b\c"#),
        ] {
            assert_eq!(parse_key(text).expect(text).as_str(), key);
        }
        for bad in [
            "",
            "\"",
            "\"\"",
            "\"a",
            "\"a\"b",
            "\"a\";x=1",
            r#""\a""#,
            "a b",
            "\"a b\"",
            "a\"",
            "a\\",
        ] {
            assert!(parse_key(bad).is_err(), "{bad}");
        }
        assert!(parse_key(&"k".repeat(200)).is_ok());
        assert!(parse_key(&"k".repeat(201)).is_err());
    }

    #[test]
    fn a_version_is_a_strong_etag() {
        assert_eq!(parse_version(&etag(42)), Some(42));
        for bad in ["42", "\"\"", "\"", "W/\"42\"", "\"4\", \"5\"", "\"-1\"", "\"x\"", "\"+1\""] {
            assert_eq!(parse_version(bad), None, "{bad}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let mut headers = HeaderMap::new();
        assert!(!none_match_names(&headers, "\"3\""));
        headers.insert(header::IF_NONE_MATCH, "\"2\", W/\"3\"".parse().expect("a value"));
        assert!(none_match_names(&headers, "\"3\""));
        assert!(!none_match_names(&headers, "\"4\""));
        headers.insert(header::IF_NONE_MATCH, "*".parse().expect("a value"));
        assert!(none_match_names(&headers, "\"4\""));
    }
}
