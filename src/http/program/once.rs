//! What is asked under an idempotency key is done once and answered the same for a day. Knows no operation.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use super::gate::Caller;
use crate::{
    http::{
        error::{self, ApiError},
        ports::ProgramRecords,
        router::{BODY_BYTES_MAX, Shared},
        words::Lang,
    },
    types::{KeptAnswer, Once},
};

pub(super) const HEADER: &str = "idempotency-key";
/// Says that an answer was given before.
const REPLAYED: &str = "idempotent-replayed";
const KEY_BYTES_MAX: usize = 128;
/// Longer answers are given and not kept.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Caller and key of the requests that are being answered now.
#[derive(Debug, Default)]
pub(in crate::http) struct InFlight(Mutex<HashSet<(String, String)>>);

/// Free again when dropped.
struct Flight {
    web: Shared,
    of: (String, String),
}

impl Flight {
    fn begin(web: &Shared, of: (String, String)) -> Option<Self> {
        let mut all = web.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(of.clone()).then(|| Self { web: web.clone(), of })
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut all = self.web.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.of);
    }
}

pub(super) async fn once(
    web: &Shared,
    caller: &Caller,
    secret: bool,
    request: Request,
    next: Next,
) -> Response {
    // Whoever asks may go away; what was begun is ended all the same.
    let (web, caller) = (web.clone(), caller.id.clone());
    let work = tokio::spawn(async move { tell_once(&web, caller, secret, request, next).await });
    match work.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => error.into_response(),
        Err(_) => ApiError::Internal.into_response(),
    }
}

async fn tell_once(
    web: &Shared,
    caller: String,
    secret: bool,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let programs = web.programs.clone().ok_or(ApiError::Internal)?;
    let key = key_of(request.headers())?;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await;
    let body = body.map_err(|_| ApiError::Status(StatusCode::PAYLOAD_TOO_LARGE))?;
    let flight = Flight::begin(web, (caller.clone(), key.clone())).ok_or(ApiError::InFlight)?;
    let digest = digest_of(&parts.uri.to_string(), &body);
    let now = web.desk.now();
    match programs.begin_once(caller.clone(), key.clone(), digest, now).await? {
        Once::New => {}
        Once::Other => return Err(ApiError::KeyDiffers),
        Once::Unknown => return Err(ApiError::OutcomeUnknown),
        Once::Answered(answer) => return replayed(answer),
    }
    let l = Lang::of(parts.uri.query(), &parts.headers);
    let path = parts.uri.path().to_owned();
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let response = error::told(l, &path, response).await;
    let response = keep(programs, caller, key, secret, response).await?;
    drop(flight);
    Ok(response)
}

fn key_of(headers: &HeaderMap) -> Result<String, ApiError> {
    let text = headers.get(HEADER).and_then(|value| value.to_str().ok());
    let fits = |key: &&str| {
        (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
    };
    text.filter(fits).map(str::to_owned).ok_or(ApiError::Unfit(
        "Idempotency-Key 须为 1 到 128 个可见的 ASCII 字符。",
        "An Idempotency-Key has 1 to 128 visible ASCII characters.",
    ))
}

fn digest_of(uri: &str, body: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(uri).chain_update([0]).chain_update(body).finalize().into()
}

fn replayed(answer: KeptAnswer) -> Result<Response, ApiError> {
    let KeptAnswer { status, content_type, body } = answer;
    let status = StatusCode::from_u16(status).map_err(|_| ApiError::Internal)?;
    let mut response = (status, Body::from(body)).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    if let Ok(kind) = content_type.parse() {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(REPLAYED, header::HeaderValue::from_static("true"));
    Ok(response)
}

/// Keeps an answer that would be the same again. What was not understood, or not tried, leaves the key free.
async fn keep(
    programs: Arc<dyn ProgramRecords>,
    caller: String,
    key: String,
    secret: bool,
    response: Response,
) -> Result<Response, ApiError> {
    let status = response.status();
    let stays = status.is_success()
        || matches!(
            status,
            StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY
        );
    if !stays {
        programs.end_once(caller, key, None).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.map_err(|_| ApiError::Internal)?;
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let answer = KeptAnswer {
        status: status.as_u16(),
        content_type: kind.unwrap_or_default().to_owned(),
        body: if secret { without_secret(&bytes) } else { bytes.to_vec() },
    };
    programs.end_once(caller, key, Some(answer)).await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn without_secret(bytes: &Bytes) -> Vec<u8> {
    let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(bytes) else {
        return Vec::new();
    };
    if let Some(secret) = body.get_mut("secret") {
        *secret = serde_json::Value::Null;
    }
    body.to_string().into_bytes()
}
