//! What stands before every route: security headers, foreign origins, the request log, attempts per source, and the
//! bank's notification path. Knows no page.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;

use super::{error::ApiError, router::Shared};
use crate::bank::is_same_path;

/// The bank's notifications are a few kilobytes.
const NOTIFICATION_BYTES_MAX: usize = 256 * 1024;

const CSP: &str = "default-src 'self'; img-src 'self' data:; base-uri 'none'; \
                   form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// Headers every answer carries; a page may have set its own policy for content.
pub(super) async fn secure(State(web): State<Shared>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut put = |name, value| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    put(header::CONTENT_SECURITY_POLICY, CSP);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::X_FRAME_OPTIONS, "DENY");
    // With `no-referrer` browsers would also hide the origin of a form from ourselves.
    put(header::REFERRER_POLICY, "same-origin");
    put(header::CACHE_CONTROL, "no-store");
    if web.settings.is_https() {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// An operator's acts come from this site's own pages. A driver's pay button proves nothing about its sender and
/// needs no such check; some in-app browsers would fail it.
pub(super) async fn own_origin(
    State(web): State<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let asks = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if asks || is_own(web.settings.public_url(), request.headers()) {
        return Ok(next.run(request).await);
    }
    Err(ApiError::Foreign)
}

pub(super) fn is_own(public_url: &str, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match text(header::ORIGIN) {
        Some(origin) => {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            origin == public_url || (authority.is_some() && authority == text(header::HOST))
        }
        None => headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin"),
    }
}

/// The bank speaks on the literal path that was registered; gateways in between are known to double a slash. It is
/// matched before any routing, and the raw path goes along, since the signature covers it.
pub(super) async fn bank_first(
    State(web): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let Some(bank) = &web.bank else { return next.run(request).await };
    let path = request.uri().path();
    let is_it = bank.notify_paths().iter().any(|known| is_same_path(known, path));
    if !is_it || request.method() != Method::POST {
        return next.run(request).await;
    }
    let path = path.to_owned();
    let headers = request.headers().iter();
    let headers = headers.filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    let headers = headers.collect();
    let Ok(body) = to_bytes(request.into_body(), NOTIFICATION_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let said = bank.notified(path, headers, body).await;
    tracing::info!(status = said.status.as_u16(), "the bank notified");
    (said.status, [(header::CONTENT_TYPE, said.content_type)], Body::from(said.body))
        .into_response()
}

/// A path for the log: order tokens, pictures and query texts (plates) are left out.
pub(super) fn masked(path: &str) -> String {
    let mut parts = path.splitn(4, '/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (_, Some(of @ ("p" | "i")), Some(token), rest) => {
            let number = token.split('-').next().filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
            let rest = rest.map(|rest| format!("/{rest}")).unwrap_or_default();
            format!("/{of}/{}-*{rest}", number.unwrap_or("*"))
        }
        (_, Some("console"), Some("pictures"), _) => "/console/pictures/*".into(),
        _ => path.to_owned(),
    }
}

/// Who asks, as far as the network tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source(IpAddr);

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl FromRequestParts<Shared> for Source {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Shared) -> Result<Self, ApiError> {
        let forwarded = || {
            let text = parts.headers.get("x-forwarded-for")?.to_str().ok()?;
            text.rsplit(',').next()?.trim().parse().ok()
        };
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let ip = web.settings.behind_proxy.then(forwarded).flatten().or(peer);
        ip.map(Self).ok_or(ApiError::Internal)
    }
}

/// Failed attempts per source: five are free, then each costs twice the wait of the one before, to 15 minutes.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<HashMap<Source, Failed>>);

#[derive(Clone, Copy, Debug)]
struct Failed {
    count: u32,
    last: Timestamp,
}

impl Failed {
    fn wait(self) -> Duration {
        match self.count.checked_sub(ATTEMPTS_FREE) {
            None => Duration::ZERO,
            Some(over) => Duration::from_secs(5 << over.min(8)).min(WAIT_MAX),
        }
    }
}

const ATTEMPTS_FREE: u32 = 5;
const WAIT_MAX: Duration = Duration::from_mins(15);
const SOURCES_MAX: usize = 4_096;

impl Attempts {
    /// `Err`: to be tried again after so many seconds.
    pub(super) fn may_try(&self, source: Source, now: Timestamp) -> Result<(), ApiError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(failed) = known.get(&source) else { return Ok(()) };
        let left = (failed.last + failed.wait()).duration_since(now).as_secs();
        if left > 0 { Err(ApiError::TooMany(left)) } else { Ok(()) }
    }

    /// Counted before the outcome is known, so that attempts side by side count too.
    pub(super) fn count(&self, source: Source, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= SOURCES_MAX {
            known.retain(|_, failed| failed.last + WAIT_MAX > now);
        }
        let failed = known.entry(source).or_insert(Failed { count: 0, last: now });
        if failed.last + WAIT_MAX * 2 < now {
            failed.count = 0;
        }
        *failed = Failed { count: failed.count.saturating_add(1), last: now };
    }

    pub(super) fn forget(&self, source: Source) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_shows_no_token_and_no_plate() {
        assert_eq!(masked("/p/12-AbCdEf/pay"), "/p/12-*/pay");
        assert_eq!(masked("/p/京A12345"), "/p/*-*");
        assert_eq!(masked("/i/12-AbCdEf"), "/i/12-*");
        assert_eq!(masked("/console/pictures/京A12345.jpg"), "/console/pictures/*");
        assert_eq!(masked("/l/exit-1/pay"), "/l/exit-1/pay");
    }

    #[test]
    fn only_our_own_pages_may_act() {
        let own = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs
                .iter()
                .map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_static(value)))
                .collect::<HeaderMap>();
            is_own("https://park.example", &headers)
        };
        assert!(own(&[("origin", "http://10.0.0.2:8080"), ("host", "10.0.0.2:8080")]));
        assert!(own(&[("origin", "https://park.example"), ("host", "10.0.0.2:8080")]));
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(!own(&[("origin", "null"), ("host", "10.0.0.2:8080")]));
        assert!(!own(&[("origin", "https://evil.example"), ("host", "10.0.0.2:8080")]));
        assert!(!own(&[("host", "10.0.0.2:8080")]));
        assert!(!own(&[("origin", "x"), ("sec-fetch-site", "same-origin")]));
    }

    #[test]
    fn waits_grow_and_end() {
        let (attempts, source) = (Attempts::default(), Source([10, 0, 0, 1].into()));
        let mut now: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        for _ in 0..5 {
            attempts.may_try(source, now).unwrap();
            attempts.count(source, now);
        }
        assert!(matches!(attempts.may_try(source, now), Err(ApiError::TooMany(5))));
        assert!(attempts.may_try(Source([10, 0, 0, 2].into()), now).is_ok());
        now += Duration::from_secs(5);
        attempts.may_try(source, now).unwrap();
        attempts.count(source, now);
        assert!(matches!(attempts.may_try(source, now), Err(ApiError::TooMany(10))));
        attempts.forget(source);
        assert!(attempts.may_try(source, now).is_ok());
    }
}
