//! The requests of other daemons of the site. No cookie and no page; who is no sister learns nothing. Knows no ticket.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use tokio::sync::Semaphore;

use super::{ports::SisterCall, router::Shared};

/// Some hundred tickets at a time.
const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Who sends slower holds a place that a sister needs.
const BODY_WAIT: Duration = Duration::from_secs(1);
/// Bodies read at a time, since anybody can send one.
static CALLS: Semaphore = Semaphore::const_new(16);
const SEAL: &str = "x-paifang-seal";

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/sister/{what}", post(called))
}

async fn called(State(web): State<Shared>, Path(what): Path<String>, request: Request) -> Response {
    let Some(door) = &web.sisters else { return StatusCode::NOT_FOUND.into_response() };
    let seal = request.headers().get(SEAL).and_then(|seal| seal.to_str().ok()).map(str::to_owned);
    let Some(seal) = seal else { return StatusCode::UNAUTHORIZED.into_response() };
    let Ok(_place) = CALLS.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let body = tokio::time::timeout(BODY_WAIT, to_bytes(request.into_body(), BODY_BYTES_MAX));
    let Ok(Ok(body)) = body.await else { return StatusCode::BAD_REQUEST.into_response() };
    let answer = door.called(SisterCall { what, seal, body }).await;
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    if let Some(seal) = answer.seal.and_then(|seal| HeaderValue::try_from(seal).ok()) {
        response.headers_mut().insert(SEAL, seal);
    }
    response
}
