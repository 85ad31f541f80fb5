//! The description of the API: `OpenAPI` 3.1, made from the table of routes, the table of
//! operations and the wire types, so that it says what the code does.

mod operations;

use super::problem::kinds::{self, Kind};
use super::router::{Access, Needs, Route, routes};
use crate::wire;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use operations::{Body, Operation, Reply};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use utoipa::OpenApi;

/// The wire types. The ones that they are made of follow by themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "ItemEventStore",
        description = "An inventory ledger: every change is an event, the count is kept beside it \
            in the same transaction. Every write carries an Idempotency-Key; send the same key \
            again when an answer got lost.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(
        wire::Adjust,
        wire::Chart,
        wire::Command,
        wire::Correct,
        wire::CreateItem,
        wire::CreateToken,
        wire::DiscrepancyReport,
        wire::EditItem,
        wire::Event,
        wire::EventPage,
        wire::EventReply,
        wire::Explanation,
        wire::InventoryPage,
        wire::InventoryReply,
        wire::ItemPage,
        wire::ItemReply,
        wire::NewToken,
        wire::Problem,
        wire::Rebuild,
        wire::RebuildReport,
        wire::Record,
        wire::Recorded,
        wire::SetInventory,
        wire::TokenList,
        wire::Verify,
        wire::VerifyReport,
        wire::Void,
    ))
)]
struct Schemas;

/// The document as pretty JSON with a newline at its end.
///
/// # Panics
/// Never: the document is made of texts, numbers and maps with text keys.
pub fn document() -> String {
    let mut document = serde_json::to_value(Schemas::openapi()).expect("a document is JSON");
    document["components"]["securitySchemes"] = json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "`ies_…`, from `POST /v1/tokens`",
        }
    });
    document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] =
        kinds::ALL.iter().map(|kind| kind.code).collect();
    let mut paths = Map::new();
    for route in routes() {
        if let Some(operation) = operations::find(route.operation) {
            let path = paths.entry(route.path).or_insert_with(|| json!({}));
            path[route.method.as_str().to_lowercase()] = describe(&route, operation);
        }
    }
    document["paths"] = Value::Object(paths);
    format!("{document:#}\n")
}

/// Serves the document.
pub async fn serve() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document()).into_response()
}

fn describe(route: &Route, operation: &Operation) -> Value {
    let mut responses = success(operation);
    for (status, codes) in problems(route, operation) {
        responses.insert(status.to_string(), problem(status, &codes, operation));
    }
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": responses,
    });
    if let Access { needs: Needs::Role(role), .. } = route.access {
        described["security"] = json!([{ "token": [] }]);
        described["description"] = json!(format!("Needs the role {role}."));
        described["x-role"] = json!(role.as_str());
    } else {
        described["security"] = json!([]);
    }
    let parameters = parameters(route, operation);
    if !parameters.is_empty() {
        described["parameters"] = Value::Array(parameters);
    }
    if let Some(body) = request_body(operation.body) {
        described["requestBody"] = body;
    }
    described
}

fn parameters(route: &Route, operation: &Operation) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        let schema = json!({ "type": "integer", "format": "int64" });
        Some(json!({ "name": name, "in": "path", "required": true, "schema": schema }))
    });
    let in_query = operation.query.iter().map(|name| {
        let (schema, description) = operations::query_parameter(name);
        json!({ "name": name, "in": "query", "schema": schema, "description": description })
    });
    let mut parameters: Vec<_> = in_path.chain(in_query).collect();
    let mut header = |name: &str, required: bool, description: &str| {
        let schema = json!({ "type": "string" });
        parameters.push(json!({
            "name": name, "in": "header", "required": required,
            "schema": schema, "description": description,
        }));
    };
    if operation.keyed {
        let description = "A text that you make up per request, quoted: the same again is the \
            same request. 1 to 200 visible ASCII characters.";
        header("Idempotency-Key", true, description);
    }
    if operation.if_match {
        header("If-Match", false, "The item's version as a strong ETag: `\"7\"`.");
    }
    for (name, description) in operation.headers {
        header(name, false, description);
    }
    parameters
}

fn request_body(body: Body) -> Option<Value> {
    let json_body = |schema: &str, required: bool| {
        json!({
            "required": required,
            "content": { "application/json": { "schema": reference(schema) } },
        })
    };
    match body {
        Body::None => None,
        Body::Json(schema) => Some(json_body(schema, true)),
        Body::Optional(schema) => Some(json_body(schema, false)),
        Body::Commands => {
            let array = json!({
                "type": "array", "items": reference("Command"), "minItems": 1, "maxItems": 8_192,
            });
            let lines = json!({ "type": "string", "description": "A Command per line." });
            Some(json!({
                "required": true,
                "content": {
                    "application/json": { "schema": array },
                    "application/jsonl": { "schema": lines },
                    "application/x-ndjson": { "schema": lines },
                },
            }))
        }
    }
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn success(operation: &Operation) -> Map<String, Value> {
    let of = |kind: &str, schema: &Value, description: &str| json!({ "description": description, "content": { kind: { "schema": schema } } });
    let text = json!({ "type": "string" });
    let object = json!({ "type": "object" });
    let json =
        |schema: &str, description: &str| of("application/json", &reference(schema), description);
    let rows = match operation.reply {
        Reply::Recorded => vec![
            ("200", json("Recorded", "Recorded earlier, under the same key.")),
            ("201", json("Recorded", "Recorded.")),
        ],
        Reply::Json(schema) => vec![("200", json(schema, "As asked for."))],
        Reply::Tagged(schema) => vec![
            ("200", json(schema, "As asked for, with the item's version as its ETag.")),
            ("304", json!({ "description": "The item is still at the version in If-None-Match." })),
        ],
        Reply::Created(schema) => vec![("201", json(schema, "Made."))],
        Reply::NoContent => vec![("204", json!({ "description": "Done." }))],
        Reply::Object => vec![("200", of("application/json", &object, "As asked for."))],
        Reply::Metrics => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            vec![("200", of(kind, &text, "OpenMetrics."))]
        }
        Reply::Stream => {
            let description = "Frames: `id` is the cursor, `event` the reason, `data` an Event as \
                JSON on one line. A comment every 15 s says that the stream is alive.";
            vec![("200", of("text/event-stream", &text, description))]
        }
    };
    rows.into_iter().map(|(status, row)| (status.to_owned(), row)).collect()
}

/// What can go wrong, by status.
fn problems(route: &Route, operation: &Operation) -> BTreeMap<u16, Vec<&'static str>> {
    let mut all: Vec<&Kind> = vec![&kinds::INTERNAL];
    if matches!(route.access.needs, Needs::Role(_)) {
        all.extend([&kinds::UNAUTHENTICATED, &kinds::FORBIDDEN, &kinds::RATE_LIMITED]);
        all.extend([&kinds::BUSY]);
    }
    if route.path.contains('{') {
        all.push(&kinds::INVALID_PATH);
    }
    if !operation.query.is_empty() {
        all.push(&kinds::INVALID_QUERY);
    }
    if operation.query.contains(&"cursor") {
        all.push(&kinds::INVALID_CURSOR);
    }
    if operation.body != Body::None {
        all.extend([&kinds::MALFORMED_JSON, &kinds::INVALID_BODY, &kinds::BODY_TIMEOUT]);
        all.extend([&kinds::TOO_LARGE, &kinds::MEDIA_TYPE, &kinds::INVALID_MEMBER]);
    }
    if operation.keyed {
        all.extend([&kinds::KEY_REQUIRED, &kinds::KEY_INVALID]);
    }
    if operation.if_match {
        all.push(&kinds::IF_MATCH_INVALID);
    }
    if operation.reply == Reply::Recorded {
        all.extend([&kinds::STORAGE_FULL, &kinds::READ_ONLY, &kinds::COMMIT_UNKNOWN]);
        all.push(&kinds::KEY_REUSED);
    }
    all.extend(operation.problems.iter().copied());
    let mut by_status = BTreeMap::<u16, Vec<_>>::new();
    for kind in all {
        let codes = by_status.entry(kind.status.as_u16()).or_default();
        if !codes.contains(&kind.code) {
            codes.push(kind.code);
        }
    }
    by_status
}

fn problem(status: u16, codes: &[&str], operation: &Operation) -> Value {
    let codes: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
    let mut response = json!({
        "description": codes.join(", "),
        "content": { "application/problem+json": { "schema": reference("Problem") } },
    });
    let header = |kind: &str, description: &str| json!({ "description": description, "required": true, "schema": { "type": kind } });
    if status == StatusCode::UNAUTHORIZED {
        response["headers"] = json!({ "WWW-Authenticate": header("string", "`Bearer`.") });
    }
    let throttled = status == StatusCode::TOO_MANY_REQUESTS && operation.tag != "service";
    if throttled {
        response["headers"] =
            json!({ "Retry-After": header("integer", "Seconds after which to try again.") });
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::docs;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let document: Value = serde_json::from_str(&document()).expect("JSON");
        assert_eq!(document["openapi"], "3.1.0");
        let mut described = BTreeSet::new();
        for (path, operations) in document["paths"].as_object().expect("paths") {
            for method in operations.as_object().expect("operations").keys() {
                described.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
        let table = routes().into_iter().filter(|route| route.operation != docs::PAGE);
        let table: BTreeSet<_> =
            table.map(|route| format!("{} {}", route.method, route.path)).collect();
        assert_eq!(described, table);
    }

    #[test]
    fn operations_are_named_once_and_each_has_a_route() {
        let routes: Vec<_> = routes().into_iter().map(|route| route.operation).collect();
        for (n, operation) in operations::ALL.iter().enumerate() {
            let twice = operations::ALL[..n].iter().any(|earlier| earlier.id == operation.id);
            assert!(!twice && routes.contains(&operation.id), "{}", operation.id);
        }
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let text = document();
        let document: Value = serde_json::from_str(&text).expect("JSON");
        for part in text.split("\"#/components/schemas/").skip(1) {
            let name = part.split('"').next().expect("a name");
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
        assert!(text.ends_with("}\n"));
    }
}
