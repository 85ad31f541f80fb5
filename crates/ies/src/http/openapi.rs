//! stub
use axum::response::{IntoResponse, Response};
/// x
pub fn document() -> String {
    String::new()
}
/// x
pub async fn serve() -> Response {
    document().into_response()
}
