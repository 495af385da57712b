//! Health, readiness, figures, and the files pages are dressed with. Knows no lane.

use std::time::Duration;

use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::{error::ApiError, router::Shared};
use crate::core::AlarmKind;

/// A writer that has not answered a look by then is not ready.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// The process runs and answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// 200 once vehicles can be served; else 503 with one reason a line.
pub(super) async fn readyz(State(web): State<Shared>) -> Response {
    let look = web.desk.read(|state| {
        let stops = [AlarmKind::BrokerDown, AlarmKind::DiskFull, AlarmKind::Overload];
        let alarms = state.alarms.values().filter(|alarm| stops.contains(&alarm.kind));
        let mut reasons: Vec<String> =
            alarms.map(|a| format!("{} {:?} since {}", a.subject, a.kind, a.since)).collect();
        if state.lanes.is_empty() && state.gates.is_empty() {
            reasons.push("no lane has been set up yet".into());
        }
        reasons
    });
    let reasons = match tokio::time::timeout(READY_WITHIN, look).await {
        Ok(Ok(reasons)) => reasons,
        Ok(Err(busy)) => vec![busy.to_string()],
        Err(_) => vec!["the writer does not answer".to_owned()],
    };
    if reasons.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n").into_response()
}

/// Figures in the Prometheus text format.
pub(super) async fn metrics(State(web): State<Shared>) -> Response {
    match &web.metrics {
        Some(metrics) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.render())
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

const SITE_CSS: &str = include_str!("assets/site.css");
const SITE_JS: &str = include_str!("assets/site.js");
/// Stand inside the driver's page, so that it comes in one round trip.
pub(super) const DRIVER_CSS: &str = include_str!("assets/driver.css");
pub(super) const DRIVER_JS: &str = include_str!("assets/driver.js");
/// The page of a ticket: the code that changes is drawn in it, with no network.
pub(super) const TICKET_CSS: &str = include_str!("assets/ticket.css");
pub(super) const TICKET_JS: &str =
    concat!(include_str!("assets/code.js"), include_str!("assets/ticket.js"));
pub(super) const TICKET_WORKER_JS: &str = include_str!("assets/ticket-worker.js");
/// Visitors' pages.
pub(super) const VISIT_CSS: &str =
    concat!(include_str!("assets/driver.css"), include_str!("assets/visit.css"));
/// Of the window: what stands on the console besides its own style.
const SHOP_CSS: &str = include_str!("assets/visit.css");
pub(super) const VISIT_JS: &str = include_str!("assets/visit.js");

/// The page of staff who check codes by hand.
const CHECK_JS: &str = include_str!("assets/check.js");
pub(super) const CHECK_WORKER_JS: &str = include_str!("assets/check-worker.js");

/// The page to try the API.
const API_JS: &str = include_str!("assets/api.js");

/// Style and script, named by what they contain so that browsers may keep them for ever.
#[derive(Debug)]
pub(super) struct Assets {
    css_path: String,
    js_path: String,
    driver_csp: String,
    ticket_csp: String,
    visit_csp: String,
    visit_css_path: String,
    visit_js_path: String,
    check_js_path: String,
    api_js_path: String,
}

impl Assets {
    pub(super) fn new() -> Self {
        Self {
            css_path: format!("/assets/{}.css", short_hash(SITE_CSS)),
            js_path: format!("/assets/{}.js", short_hash(SITE_JS)),
            driver_csp: csp_of(DRIVER_CSS, DRIVER_JS),
            ticket_csp: csp_of(TICKET_CSS, TICKET_JS),
            visit_csp: csp_of(VISIT_CSS, VISIT_JS),
            visit_css_path: format!("/assets/{}.css", short_hash(SHOP_CSS)),
            check_js_path: format!("/assets/{}.js", short_hash(CHECK_JS)),
            api_js_path: format!("/assets/{}.js", short_hash(API_JS)),
            visit_js_path: format!("/assets/{}.js", short_hash(VISIT_JS)),
        }
    }

    pub(super) fn css_path(&self) -> &str {
        &self.css_path
    }

    pub(super) fn js_path(&self) -> &str {
        &self.js_path
    }

    /// Lets in exactly the style and script that stand in the driver's page.
    pub(super) fn driver_csp(&self) -> &str {
        &self.driver_csp
    }

    pub(super) fn ticket_csp(&self) -> &str {
        &self.ticket_csp
    }

    pub(super) fn visit_css_path(&self) -> &str {
        &self.visit_css_path
    }

    pub(super) fn visit_js_path(&self) -> &str {
        &self.visit_js_path
    }

    pub(super) fn check_js_path(&self) -> &str {
        &self.check_js_path
    }

    pub(super) fn api_js_path(&self) -> &str {
        &self.api_js_path
    }

    pub(super) fn visit_csp(&self) -> &str {
        &self.visit_csp
    }
}

/// Lets in this style and script inside a page, and nothing else from inside or outside.
fn csp_of(css: &str, js: &str) -> String {
    let inline = |text: &str| STANDARD.encode(Sha256::digest(text));
    // No `form-action`: browsers would hold it against the way on to the bank's cashier.
    format!(
        "default-src 'self'; img-src 'self' data:; style-src 'sha256-{}'; \
         script-src 'self' 'sha256-{}'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'",
        inline(css),
        inline(js),
    )
}

fn short_hash(text: &str) -> String {
    let head =
        Sha256::digest(text)[..8].iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    format!("{head:016x}")
}

pub(super) async fn asset(
    State(web): State<Shared>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    let path = format!("/assets/{name}");
    let (kind, text) = match path {
        path if path == web.assets.css_path => ("text/css; charset=utf-8", SITE_CSS),
        path if path == web.assets.visit_css_path => ("text/css; charset=utf-8", SHOP_CSS),
        path if path == web.assets.visit_js_path => ("text/javascript; charset=utf-8", VISIT_JS),
        path if path == web.assets.check_js_path => ("text/javascript; charset=utf-8", CHECK_JS),
        path if path == web.assets.api_js_path => ("text/javascript; charset=utf-8", API_JS),
        path if path == web.assets.js_path => ("text/javascript; charset=utf-8", SITE_JS),
        _ => return Err(ApiError::NotFound),
    };
    let kept = "public, max-age=31536000, immutable";
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)], text).into_response())
}
