//! The description of the API: `OpenAPI` 3.1, made from the table of routes, the table of
//! operations and the wire types, so that it says what the code does.

mod members;
mod operations;
mod parameters;
mod problems;

use super::auth::{Access, Needs};
use super::problem::kinds;
use super::router::{Route, routes};
use crate::wire;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use operations::{Body, Operation, Reply};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;
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
        wire::CreateLedger,
        wire::CreateToken,
        wire::DailySummaryPage,
        wire::DiscrepancyReport,
        wire::EditItem,
        wire::EditLedger,
        wire::Event,
        wire::EventPage,
        wire::EventReply,
        wire::Explanation,
        wire::InventoryPage,
        wire::InventoryReply,
        wire::ItemPage,
        wire::ItemReply,
        wire::LedgerList,
        wire::LedgerReply,
        wire::NewToken,
        wire::Problem,
        wire::Rebuild,
        wire::RebuildReport,
        wire::RefreshReport,
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
    members::narrow(&mut document["components"]["schemas"]);
    document["components"]["responses"] = shared_responses();
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

/// Whether an operation is about one ledger.
#[cfg(test)]
pub fn is_of_ledger(operation: &str) -> bool {
    operations::find(operation).is_some_and(|operation| operation.of_ledger)
}

/// Serves the document. Made once: anybody may ask for it, and then not read it.
pub async fn serve() -> Response {
    static DOCUMENT: LazyLock<String> = LazyLock::new(document);
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

fn describe(route: &Route, operation: &Operation) -> Value {
    let mut responses = success(operation);
    let mut codes = Vec::new();
    for kind in problems::of(route, operation) {
        let status = kind.status.as_u16();
        let shared = format!("#/components/responses/{}", response_name(status));
        responses.insert(status.to_string(), json!({ "$ref": shared }));
        codes.push(format!("`{}`", kind.code));
    }
    let codes = codes.join(", ");
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": responses,
    });
    if let Access { needs: Needs::Role(role), .. } = route.access {
        let description = format!("Needs the role {role}. Problems: {codes}.");
        described["description"] = json!(description);
        described["security"] = json!([{ "token": [] }]);
        described["x-role"] = json!(role.as_str());
    } else {
        described["description"] = json!(format!("Open to all. Problems: {codes}."));
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
        let schema = match name {
            "name" => json!({ "type": "string", "pattern": members::LEDGER_PATTERN }),
            _ => json!({ "type": "integer", "format": "int64", "minimum": 1 }),
        };
        Some(json!({ "name": name, "in": "path", "required": true, "schema": schema }))
    });
    let in_query = operation.query.iter().map(|name| {
        let (schema, description) = parameters::of(operation.id, name);
        json!({ "name": name, "in": "query", "schema": schema, "description": description })
    });
    let mut parameters: Vec<_> = in_path.chain(in_query).collect();
    let mut header = |name: &str, required: bool, schema: Value, description: &str| {
        parameters.push(json!({
            "name": name, "in": "header", "required": required,
            "schema": schema, "description": description,
        }));
    };
    if operation.of_ledger {
        let description = "The ledger; when absent the token's, or `main`.";
        let schema = json!({ "type": "string", "pattern": members::LEDGER_PATTERN });
        header("Ledger", false, schema, description);
    }
    if operation.keyed {
        let description = "A text that you make up per request, quoted: the same again is the \
            same request. 1 to 200 visible ASCII characters.";
        let schema = json!({ "type": "string", "pattern": members::KEY_PATTERN });
        header("Idempotency-Key", true, schema, description);
    }
    if operation.if_match {
        let schema = json!({
            "type": "string", "minLength": 1, "pattern": members::VERSION_PATTERN,
        });
        header("If-Match", false, schema, "The item's version as a strong ETag: `\"7\"`.");
    }
    for (name, description) in operation.headers {
        header(name, false, json!({ "type": "string" }), description);
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
    let of = |kind: &str, schema: &Value, description: &str| {
        let content = json!({ kind: { "schema": schema } });
        json!({ "description": description, "content": content })
    };
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

/// The answers that are problems, one for each status, so that every operation can point to them.
fn shared_responses() -> Value {
    let mut codes = BTreeMap::<u16, Vec<_>>::new();
    for kind in kinds::ALL {
        codes.entry(kind.status.as_u16()).or_default().push(format!("`{}`", kind.code));
    }
    let responses = codes.into_iter().map(|(status, codes)| {
        let mut response = json!({
            "description": codes.join(", "),
            "content": { "application/problem+json": { "schema": reference("Problem") } },
        });
        let header = match StatusCode::from_u16(status) {
            Ok(StatusCode::UNAUTHORIZED) => Some(("WWW-Authenticate", "string", "`Bearer`.")),
            Ok(StatusCode::TOO_MANY_REQUESTS) => {
                Some(("Retry-After", "integer", "Seconds after which to try again."))
            }
            _ => None,
        };
        if let Some((name, kind, description)) = header {
            let schema = json!({ "type": kind });
            response["headers"][name] =
                json!({ "description": description, "required": true, "schema": schema });
        }
        (response_name(status), response)
    });
    responses.collect()
}

fn response_name(status: u16) -> String {
    format!("problem_{status}")
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
    fn the_committed_document_is_this_one() {
        let committed = include_str!("../../../../docs/openapi.json");
        let same = document() == committed;
        assert!(same, "cargo run -- openapi > docs/openapi.json, and commit it with the change");
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
