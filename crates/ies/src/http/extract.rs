//! Path, query and body, each with a problem of its own when it is not what was expected; and the
//! body of an answer.

use super::body::read;
use super::limits::BODY_BYTES;
use super::problem::{Problem, kinds};
use crate::wire::InvalidMember;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::error::Category;
use serde_path_to_error::Segment;
use std::fmt::{self, Write as _};
use std::marker::PhantomData;

/// What most answers have room in.
const ANSWER_BYTES: usize = 1024;

/// The number in the path.
pub struct Id(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<i64>::from_request_parts(parts, state).await;
        let invalid = |_| Problem::new(&kinds::INVALID_PATH, "an id in a path is a whole number");
        path.map(|id| Self(id.0)).map_err(invalid)
    }
}

/// The query; a name that is not known is refused.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|error| Problem::new(&kinds::INVALID_QUERY, error.body_text()))
    }
}

/// A body that must be there, or the answer's.
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut text = Vec::with_capacity(ANSWER_BYTES);
        if let Err(error) = serde_json::to_writer(&mut text, &self.0) {
            return Problem::internal(error).into_response();
        }
        let mut response = Response::new(Body::from(text));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        require_json(&parts.headers)?;
        let bytes = read(&parts.headers, body, BODY_BYTES).await?;
        from_json(&bytes).map(|Object(value)| Self(value))
    }
}

/// A body that may be left out.
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(&parts.headers, body, BODY_BYTES).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        require_json(&parts.headers)?;
        from_json(&bytes).map(|Object(value)| Self(value))
    }
}

/// A value that is written as a JSON object. Left to itself, a struct is read from an array of its
/// members' values too.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// The content type without its parameters, in lower case.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    if media_type(headers).as_deref() == Some("application/json") {
        return Ok(());
    }
    Err(Problem::new(&kinds::MEDIA_TYPE, "send Content-Type: application/json"))
}

/// Reads JSON, and names the member at fault when it is not the JSON that was expected.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let problem = Problem::new(&kinds::MALFORMED_JSON, error.inner().to_string());
        if error.inner().classify() != Category::Data {
            return problem;
        }
        problem.error(member_at_fault(&error))
    })?;
    json.end().map_err(|error| Problem::new(&kinds::MALFORMED_JSON, error.to_string()))?;
    Ok(value)
}

fn member_at_fault(error: &serde_path_to_error::Error<serde_json::Error>) -> InvalidMember {
    let mut pointer = String::new();
    for segment in error.path() {
        let _ = match segment {
            Segment::Seq { index } => write!(pointer, "/{index}"),
            Segment::Map { key } => {
                write!(pointer, "/{}", key.replace('~', "~0").replace('/', "~1"))
            }
            Segment::Enum { .. } | Segment::Unknown => Ok(()),
        };
    }
    let detail = error.inner().to_string();
    let code = if detail.starts_with("unknown field") {
        "unknown_member"
    } else if let Some(name) = detail.strip_prefix("missing field `") {
        let name = name.split('`').next().unwrap_or_default();
        let _ = write!(pointer, "/{name}");
        "missing_member"
    } else {
        "wrong_type"
    };
    InvalidMember { pointer, detail, code: code.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Command, Record};

    fn fault(problem: &Problem) -> String {
        let wire = problem.to_wire();
        let member = wire.errors.first();
        let member = member.map(|error| format!(" {} {}", error.pointer, error.code));
        format!("{}{}", wire.code, member.unwrap_or_default())
    }

    #[test]
    fn what_is_wrong_with_a_body_is_named() {
        for (json, expected) in [
            ("", "malformed_json"),
            ("{", "malformed_json"),
            (r#"{"quantity":1}x"#, "malformed_json"),
            (r#"{"quantity":1,"version":2}"#, "malformed_json /version unknown_member"),
            (r#"{"quantity":"1"}"#, "malformed_json /quantity wrong_type"),
            (r#"{"quantity":1.5}"#, "malformed_json /quantity wrong_type"),
            (r#"{"quantity":99999999999999999999}"#, "malformed_json /quantity wrong_type"),
            ("{}", "malformed_json /quantity missing_member"),
            ("[24]", "malformed_json  wrong_type"),
            ("null", "malformed_json  wrong_type"),
        ] {
            let read = from_json::<Object<Record>>(json.as_bytes());
            let problem = read.map(|Object(value)| value).expect_err(json);
            assert_eq!(fault(&problem), expected, "{json}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        let json = "[".repeat(100_000);
        assert!(from_json::<Vec<Object<Command>>>(json.as_bytes()).is_err());
        assert!(from_json::<serde_json::Value>(json.as_bytes()).is_err());
    }
}
