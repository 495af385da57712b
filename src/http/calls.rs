//! The requests of devices that call us. No cookie, no page, no chunk: an answer with its length, whatever happens.
//! Knows no message.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use tokio::sync::Semaphore;

use super::{
    ports::{Admission, DeviceAnswer, DeviceCall},
    router::Shared,
};

/// Two full pictures in base64 fit well.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A device that sends slower than this holds a place that others need.
const BODY_WAIT: Duration = Duration::from_secs(15);
/// One stranger's body is read at a time.
static STRANGERS: Semaphore = Semaphore::const_new(1);

pub(super) fn routes() -> Router<Shared> {
    let call = || get(bare_path).post(bare_path);
    Router::new()
        .route("/device/{device}", call())
        .route("/device/{device}/", call())
        .route("/device/{device}/{*rest}", get(called).post(called))
}

async fn bare_path(
    State(web): State<Shared>,
    Path(device): Path<String>,
    request: Request,
) -> Response {
    answer(&web, device, request).await
}

async fn called(
    State(web): State<Shared>,
    Path((device, _)): Path<(String, String)>,
    request: Request,
) -> Response {
    answer(&web, device, request).await
}

async fn answer(web: &Shared, device: String, request: Request) -> Response {
    let (key, query) = key_and_rest(request.uri().query().unwrap_or_default());
    match web.door.admits(&device, key.as_deref()) {
        Admission::Welcome => {}
        Admission::WrongKey => return bare(StatusCode::UNAUTHORIZED),
        Admission::Flood => return bare(StatusCode::TOO_MANY_REQUESTS),
        Admission::Stranger => {
            if let Ok(_turn) = STRANGERS.try_acquire() {
                web.door.stranger(call(device, query, request).await);
            }
            return bare(StatusCode::NOT_FOUND);
        }
    }
    let Some(_place) = web.door.place(&device).await else {
        return bare(StatusCode::SERVICE_UNAVAILABLE);
    };
    let call = call(device, query, request).await;
    dressed(web.door.called(call).await)
}

async fn call(device: String, query: String, request: Request) -> DeviceCall {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let from = peer.map(|peer| peer.0.ip().to_string()).unwrap_or_default();
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let lead = "/device/".len() + device.len();
    // What decodes to another length was not written plainly, and no profile has such a path.
    let path = request.uri().path().get(lead..).unwrap_or_default().to_owned();
    let read = tokio::time::timeout(BODY_WAIT, to_bytes(request.into_body(), BODY_BYTES_MAX));
    let body: Option<Bytes> = read.await.ok().and_then(Result::ok);
    DeviceCall { device, path, query, content_type, body, from }
}

/// The key is taken out of the query, so that nothing behind this sees it.
fn key_and_rest(query: &str) -> (Option<String>, String) {
    let mut key = None;
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match form_urlencoded::parse(pair.as_bytes()).next() {
            Some((name, value)) if name == "key" => key = Some(value.into_owned()),
            _ => rest.push(pair),
        }
    }
    (key, rest.join("&"))
}

fn dressed(answer: DeviceAnswer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    if let Ok(kind) = HeaderValue::try_from(answer.content_type)
        && !kind.is_empty()
    {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

fn bare(status: StatusCode) -> Response {
    (status, [(header::CONTENT_LENGTH, "0")]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_taken_out_of_the_query() {
        let some = |key: &str| Some(key.to_owned());
        assert_eq!(key_and_rest("key=a%2Bb"), (some("a+b"), String::new()));
        assert_eq!(key_and_rest("SN=1&key=k&x=%E4"), (some("k"), "SN=1&x=%E4".into()));
        assert_eq!(key_and_rest("monkey=k&keys=1"), (None, "monkey=k&keys=1".into()));
        assert_eq!(key_and_rest(""), (None, String::new()));
    }
}
