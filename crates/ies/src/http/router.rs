//! Every route on one screen, with the role that it needs. The router is built from this table
//! and from nothing else; who may give which command inside a request says
//! [`item_event_store::access`].

use super::auth::{Access, Needs};
use super::problem::{Problem, kinds};
use super::{
    Service, around, auth, bulk, chart, corrections, docs, events, explain, health, inventory,
    items, ledgers, maintenance, metrics, movements, openapi, stream, summary, tokens,
};
use axum::Router;
use axum::handler::Handler;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use item_event_store::access::Role;

/// A row of the table.
pub struct Route {
    /// GET answers HEAD too.
    pub method: Method,
    /// Of the framework and of the `OpenAPI` document.
    pub path: &'static str,
    /// How it is guarded.
    pub access: Access,
    /// Its name in the `OpenAPI` document.
    pub operation: &'static str,
    handler: MethodRouter<Service>,
}

const OPEN: Needs = Needs::Open;
const VIEWER: Needs = Needs::Role(Role::Viewer);
const BAKER: Needs = Needs::Role(Role::Baker);
const MANAGER: Needs = Needs::Role(Role::Manager);
const ADMIN: Needs = Needs::Role(Role::Admin);

/// The table.
#[rustfmt::skip]
pub fn routes() -> Vec<Route> {
    vec![
        post("/v1/items", BAKER, "create_item", items::create),
        get("/v1/items", VIEWER, "list_items", items::list),
        get("/v1/items/{id}", VIEWER, "get_item", items::get),
        patch("/v1/items/{id}", MANAGER, "edit_item", items::edit),
        post("/v1/items/{id}/batches", BAKER, "record_batch", movements::batch),
        post("/v1/items/{id}/bakeoffs", BAKER, "record_bakeoff", movements::bakeoff),
        post("/v1/items/{id}/special-orders", BAKER, "record_special_order", movements::order),
        post("/v1/items/{id}/adjustments", BAKER, "adjust_item", movements::adjust),
        get("/v1/items/{id}/inventory", VIEWER, "get_inventory", inventory::get),
        put("/v1/items/{id}/inventory", MANAGER, "set_inventory", inventory::set),
        get("/v1/items/{id}/inventory/explain", VIEWER, "explain_inventory", explain::explain),
        get("/v1/items/{id}/chart", VIEWER, "chart_item", chart::chart),
        get("/v1/items/{id}/events", VIEWER, "list_item_events", events::list_of_item),
        get("/v1/inventory", VIEWER, "list_inventory", inventory::list),
        post("/v1/events", BAKER, "record_many", bulk::record_many),
        get("/v1/events", VIEWER, "list_events", events::list),
        get("/v1/events/stream", VIEWER, "stream_events", stream::stream).unhurried(),
        get("/v1/events/{position}", VIEWER, "get_event", events::get),
        post("/v1/events/{position}/correct", MANAGER, "correct_event", corrections::correct),
        post("/v1/events/{position}/void", MANAGER, "void_event", corrections::void),
        get("/v1/summary/daily", VIEWER, "list_daily_summary", summary::list),
        post("/v1/summary/daily/refresh", MANAGER, "refresh_daily_summary", summary::refresh)
            .unhurried(),
        post("/v1/summary/daily/rebuild", ADMIN, "rebuild_daily_summary", summary::rebuild)
            .unhurried(),
        post("/v1/verify", ADMIN, "verify", maintenance::verify).unhurried(),
        post("/v1/rebuild", ADMIN, "rebuild", maintenance::rebuild).unhurried(),
        get("/v1/discrepancies", ADMIN, "list_discrepancies", maintenance::discrepancies),
        post("/v1/ledgers", ADMIN, "create_ledger", ledgers::create).whole_store(),
        get("/v1/ledgers", VIEWER, "list_ledgers", ledgers::list),
        get("/v1/ledgers/{name}", VIEWER, "get_ledger", ledgers::get),
        patch("/v1/ledgers/{name}", ADMIN, "edit_ledger", ledgers::edit),
        post("/v1/tokens", ADMIN, "create_token", tokens::create).whole_store(),
        get("/v1/tokens", ADMIN, "list_tokens", tokens::list).whole_store(),
        delete("/v1/tokens/{id}", ADMIN, "revoke_token", tokens::revoke).whole_store(),
        get("/livez", OPEN, "livez", health::livez),
        get("/readyz", OPEN, "readyz", health::readyz),
        get("/metrics", OPEN, "metrics", metrics::scrape),
        get("/openapi.json", OPEN, "openapi", openapi::serve),
        get("/docs", OPEN, docs::PAGE, docs::index),
        get("/docs/", OPEN, docs::PAGE, docs::page),
        get("/docs/{*file}", OPEN, docs::PAGE, docs::file),
    ]
}

fn get<T: 'static>(
    path: &'static str,
    needs: Needs,
    operation: &'static str,
    handler: impl Handler<T, Service>,
) -> Route {
    Route::new(Method::GET, path, needs, operation, on(MethodFilter::GET, handler))
}

fn post<T: 'static>(
    path: &'static str,
    needs: Needs,
    operation: &'static str,
    handler: impl Handler<T, Service>,
) -> Route {
    Route::new(Method::POST, path, needs, operation, on(MethodFilter::POST, handler))
}

fn put<T: 'static>(
    path: &'static str,
    needs: Needs,
    operation: &'static str,
    handler: impl Handler<T, Service>,
) -> Route {
    Route::new(Method::PUT, path, needs, operation, on(MethodFilter::PUT, handler))
}

fn patch<T: 'static>(
    path: &'static str,
    needs: Needs,
    operation: &'static str,
    handler: impl Handler<T, Service>,
) -> Route {
    Route::new(Method::PATCH, path, needs, operation, on(MethodFilter::PATCH, handler))
}

fn delete<T: 'static>(
    path: &'static str,
    needs: Needs,
    operation: &'static str,
    handler: impl Handler<T, Service>,
) -> Route {
    Route::new(Method::DELETE, path, needs, operation, on(MethodFilter::DELETE, handler))
}

impl Route {
    fn new(
        method: Method,
        path: &'static str,
        needs: Needs,
        operation: &'static str,
        handler: MethodRouter<Service>,
    ) -> Self {
        let access = Access { needs, unhurried: false, whole_store: false };
        Self { method, path, access, operation, handler }
    }

    fn unhurried(mut self) -> Self {
        self.access.unhurried = true;
        self
    }

    fn whole_store(mut self) -> Self {
        self.access.whole_store = true;
        self
    }
}

/// The router of the table.
pub fn build(service: Service) -> Router {
    let mut router = Router::new();
    for Route { path, access, handler, .. } in routes() {
        let gate = from_fn_with_state((service.clone(), access), auth::gate);
        router = router.route(path, handler.route_layer(gate));
    }
    router
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(from_fn_with_state(service.clone(), around::around))
        .with_state(service)
}

async fn not_found() -> Problem {
    Problem::new(&kinds::NOT_FOUND, "no such path; GET /openapi.json lists them all")
}

async fn method_not_allowed(path: axum::extract::MatchedPath) -> Problem {
    let rows = routes().into_iter().filter(|route| route.path == path.as_str());
    let mut methods: Vec<_> = rows.map(|route| route.method.to_string()).collect();
    if methods.iter().any(|method| method == "GET") {
        methods.push("HEAD".into());
    }
    let methods = methods.join(", ");
    let problem = Problem::new(&kinds::METHOD_NOT_ALLOWED, format!("{methods} only"));
    match HeaderValue::from_str(&methods) {
        Ok(value) => problem.header(header::ALLOW, value),
        Err(_) => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_and_method_stands_twice() {
        let rows = routes();
        for (n, row) in rows.iter().enumerate() {
            let twice = rows[..n].iter().any(|r| (&r.method, r.path) == (&row.method, row.path));
            assert!(!twice, "{} {}", row.method, row.path);
        }
    }

    #[test]
    fn only_the_health_and_document_routes_are_open() {
        for row in routes() {
            let open = row.access.needs == OPEN;
            assert_eq!(open, !row.path.starts_with("/v1/"), "{}", row.path);
        }
    }

    /// The framework's router cannot be asked for its routes; so nobody else may add any.
    #[test]
    fn the_table_is_the_only_place_that_adds_routes() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders = vec![folder];
        let mut adders = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("a source file");
                let adds = [
                    ".rou".to_owned() + "te(",
                    ".ne".to_owned() + "st(",
                    "Rou".to_owned() + "ter::new",
                ];
                if adds.iter().any(|word| text.contains(word)) {
                    adders.push(path.file_name().expect("a name").to_owned());
                }
            }
        }
        assert_eq!(adders, ["router.rs"]);
    }
}
