//! What went wrong, as a friendly page or as a problem in JSON (RFC 9457). The inside of a failure goes to the log, never
//! to the reader.

use askama::Template;
use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ports::{Busy, RecordsError},
    roles::{self, Right},
    router::Shared,
    words::{self, Lang},
};
use crate::{
    core::Refusal,
    types::{Role, Scope},
};

/// Of what the framework says about a request that it did not understand.
const REASON_BYTES_MAX: usize = 4 * 1024;

#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("nothing is here")]
    NotFound,
    #[error("not signed in")]
    SignIn,
    #[error("nobody has this token")]
    Token,
    #[error("program {0} has no scope {1}")]
    NoScope(String, Scope),
    /// Of an idempotency key.
    #[error("the same is being done now")]
    InFlight,
    #[error("nobody kept what came of it")]
    OutcomeUnknown,
    #[error("the key was used for another request")]
    KeyDiffers,
    #[error("a new password must be chosen first")]
    NewPassword,
    #[error("the request came from another site")]
    Foreign,
    /// Somebody of this role; `None`: a program.
    #[error("no right to this")]
    NotAllowed { right: Right, role: Option<Role> },
    #[error("too many attempts; again in {0} s")]
    TooMany(i64),
    #[error("too much to do")]
    Busy,
    #[error("{0}")]
    Refused(Refusal),
    /// What the reader should give instead: Chinese, English.
    #[error("{1}")]
    Unfit(&'static str, &'static str),
    /// Mistakes in the site's own files, a line each.
    #[error("{0}")]
    Mistakes(String),
    /// Of the framework's own making.
    #[error("{0}")]
    Status(StatusCode),
    #[error("internal")]
    Internal,
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::Refused(Refusal::NoLane(_) | Refusal::NoZone(_)) => {
                StatusCode::NOT_FOUND
            }
            Self::SignIn | Self::Token => StatusCode::UNAUTHORIZED,
            Self::NewPassword | Self::Foreign | Self::NoScope(..) | Self::NotAllowed { .. } => {
                StatusCode::FORBIDDEN
            }
            Self::KeyDiffers => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused(Refusal::NoReason | Refusal::CountUnfit { .. }) | Self::Unfit(..) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Refused(_) | Self::InFlight | Self::OutcomeUnknown | Self::Mistakes(_) => {
                StatusCode::CONFLICT
            }
            Self::Status(status) => *status,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word programs match on.
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::SignIn => "sign_in",
            Self::Token => "token",
            Self::NoScope(..) => "no_scope",
            Self::InFlight => "in_flight",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::KeyDiffers => "key_reused",
            Self::NewPassword => "new_password",
            Self::Foreign => "foreign_origin",
            Self::NotAllowed { .. } => "not_allowed",
            Self::TooMany(_) => "too_many",
            Self::Busy => "busy",
            Self::Refused(Refusal::NoReason) => "no_reason",
            Self::Refused(Refusal::NoLane(_)) => "no_lane",
            Self::Refused(_) => "refused",
            Self::Mistakes(_) => "mistakes",
            Self::Unfit(..) => "unfit",
            Self::Status(_) => "bad_request",
            Self::Internal => "internal",
        }
    }

    /// One sentence for the reader.
    pub(super) fn text(&self, l: Lang) -> String {
        let text = match self {
            Self::NotFound => l.say(
                "这里没有页面。请检查网址，或重新扫码。",
                "There is no such page. Check the address, or scan the code again.",
            ),
            Self::SignIn => l.say("请先登录。", "Sign in first."),
            Self::Token => {
                l.say("令牌无效或已收回。", "Nobody has this token, or it was taken back.")
            }
            Self::NoScope(program, scope) => {
                return match l {
                    Lang::Zh => format!("程序 {program} 没有权限 {scope}。"),
                    Lang::En => format!("The token of program {program} lacks the scope {scope}."),
                };
            }
            Self::InFlight => l.say(
                "同一 Idempotency-Key 的请求正在处理。",
                "A request with this Idempotency-Key is being answered now.",
            ),
            Self::OutcomeUnknown => l.say(
                "该请求曾经开始，但结果没有留存。",
                "This request was begun before, and nobody kept what came of it.",
            ),
            Self::KeyDiffers => l.say(
                "该 Idempotency-Key 已用于另一请求。",
                "This Idempotency-Key was used for another request.",
            ),
            Self::NewPassword => l.say("请先设置新密码。", "Choose a new password first."),
            Self::Foreign => l.say(
                "请求来自其他网站，已拒绝。请从本站页面操作。",
                "That came from another site and was refused. Act from this site's own pages.",
            ),
            Self::NotAllowed { right, role } => return roles::refusal(l, *right, *role),
            Self::TooMany(seconds) => {
                return match l {
                    Lang::Zh => format!("尝试次数过多，请 {seconds} 秒后再试。"),
                    Lang::En => format!("Too many attempts. Try again in {seconds} s."),
                };
            }
            Self::Busy => l.say(
                "系统正忙，没有任何更改，请稍后再试。",
                "The system is busy. Nothing was changed; try again in a moment.",
            ),
            Self::Refused(refusal) => {
                return format!("{}{}", words::refusal(l, refusal), l.say("。", "."));
            }
            Self::Unfit(zh, en) => l.say(zh, en),
            Self::Mistakes(lines) => return lines.clone(),
            Self::Status(_) => l.say("无法理解这个请求。", "This request was not understood."),
            Self::Internal => l.say(
                "系统出错，已记录。请稍后再试，或联系岗亭。",
                "Something failed here and was recorded. Try again, or ask at the booth.",
            ),
        };
        text.to_owned()
    }
}

impl ApiError {
    /// What a program does now.
    fn next(&self, l: Lang) -> &'static str {
        match self {
            Self::NotFound | Self::Refused(Refusal::NoLane(_) | Refusal::NoZone(_)) => {
                l.say("核对编号或地址", "Check the number or name in the address")
            }
            Self::SignIn | Self::Token => l.say(
                "用 Authorization: Bearer 送有效令牌，令牌在 /console/programs 领取",
                "Send a token as Authorization: Bearer; /console/programs gives them out",
            ),
            Self::NoScope(..) => l.say(
                "在 /console/programs 另建一个含此权限的令牌",
                "Make a token with this scope on /console/programs",
            ),
            Self::NewPassword => l.say("登录后设置新密码", "Sign in and choose a new password"),
            Self::NotAllowed { .. } => {
                l.say("请有此权限的人员操作", "Ask somebody whose role has the right")
            }
            Self::Foreign => l.say("程序请用令牌", "Programs use a token, not a session"),
            Self::TooMany(_) => l.say("按 detail 所述稍后再试", "Wait as the detail says"),
            Self::Busy | Self::InFlight => l.say(
                "稍后用同一 Idempotency-Key 再次发送",
                "Send the same again in a moment, with the same Idempotency-Key",
            ),
            Self::OutcomeUnknown => l.say(
                "先查询是否已完成，再用新的 Idempotency-Key",
                "Look whether it was done; then take a new Idempotency-Key",
            ),
            Self::KeyDiffers => {
                l.say("每个新请求用新的 Idempotency-Key", "Take a new Idempotency-Key")
            }
            Self::Refused(_) => l.say(
                "查看现状后再决定；原样重发结果相同",
                "Look how things stand; the same again is refused again",
            ),
            Self::Mistakes(_) => l.say("改正文件后再试", "Mend the files, then again"),
            Self::Unfit(..) | Self::Status(_) => l.say(
                "按 /api/v1/openapi.json 改正请求",
                "Mend the request: see /api/v1/openapi.json",
            ),
            Self::Internal => l.say(
                "查询是否已完成；告知值班人员查看日志",
                "Look whether it was done; have the operator see the log",
            ),
        }
    }
}

impl From<Busy> for ApiError {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<RecordsError> for ApiError {
    fn from(error: RecordsError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "a page could not be made");
        Self::Internal
    }
}

impl From<askama::Error> for ApiError {
    fn from(error: askama::Error) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "a page could not be made");
        Self::Internal
    }
}

/// Bare: [`dress`] knows the reader's language and makes it a page.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Template)]
#[template(path = "error.html", config = "src/http/askama.toml")]
struct ErrorPage<'a> {
    l: Lang,
    status: u16,
    text: &'a str,
    css: &'a str,
    /// Where to go from here.
    home: Option<&'a str>,
}

/// Turns every failure below it into a page, or into JSON under `/api`.
pub(super) async fn dress(State(web): State<Shared>, request: Request, next: Next) -> Response {
    let l = Lang::of(request.uri().query(), request.headers());
    let path = request.uri().path().to_owned();
    let chosen = Lang::chosen(request.uri().query());
    let mut response = next.run(request).await;
    if let Some(l) = chosen {
        // A language once chosen stays.
        let cookie = format!("lang={}; SameSite=Lax; Path=/; Max-Age=31536000", l.code());
        if let Ok(cookie) = cookie.parse() {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    if path.starts_with("/api/") {
        return told(l, &path, response).await;
    }
    let Some(error) = error_of(&response) else { return response };
    let kept = response.headers().clone();
    let mut dressed = dressed(&web, l, &path, &error);
    keep(&mut dressed, &kept);
    dressed
}

/// What went wrong below; `None`: nothing, or it is dressed already.
fn error_of(response: &Response) -> Option<ApiError> {
    let made = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let plain = made.is_none_or(|made| made.starts_with("text/plain"));
    match response.extensions().get::<ApiError>() {
        Some(error) => Some(error.clone()),
        None if response.status() == StatusCode::NOT_FOUND && plain => Some(ApiError::NotFound),
        None if response.status().is_client_error() && plain => {
            Some(ApiError::Status(response.status()))
        }
        None if response.status().is_server_error() && plain => Some(ApiError::Internal),
        None => None,
    }
}

/// An error of the API.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Always `about:blank`: `code` tells them apart.
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    status: u16,
    /// The word programs match on, such as `refused`, `no_scope`, `unfit`, `busy`.
    code: &'static str,
    /// What happened.
    detail: String,
    /// What it happened to.
    who: String,
    /// What to do now.
    next: String,
}

/// A failure of the API below it as a problem; anything else as it is.
pub(super) async fn told(l: Lang, path: &str, response: Response) -> Response {
    let Some(error) = error_of(&response) else { return response };
    let kept = response.headers().clone();
    let status = error.status();
    let mut detail = error.text(l);
    if let ApiError::Status(_) = error {
        let said = to_bytes(response.into_body(), REASON_BYTES_MAX).await.unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        if !said.trim().is_empty() {
            said.trim().clone_into(&mut detail);
        }
    }
    let problem = Problem {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or_default().to_owned(),
        status: status.as_u16(),
        code: error.code(),
        detail,
        who: path.to_owned(),
        next: error.next(l).to_owned(),
    };
    let mut told = (status, Json(problem)).into_response();
    let headers = told.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    keep(&mut told, &kept);
    told
}

fn dressed(web: &Shared, l: Lang, path: &str, error: &ApiError) -> Response {
    let (status, text) = (error.status(), error.text(l));
    match error {
        ApiError::SignIn => {
            Redirect::to(&format!("/signin?next={}", web_safe(path))).into_response()
        }
        ApiError::NewPassword => Redirect::to("/password").into_response(),
        _ => {
            let home = match error {
                ApiError::NotAllowed { role, .. } => Some(roles::home(*role)),
                _ => path.starts_with("/console/").then_some("/console"),
            };
            let (status_no, css) = (status.as_u16(), web.assets.css_path());
            let page = ErrorPage { l, status: status_no, text: &text, css, home };
            match page.render() {
                Ok(page) => (status, Html(page)).into_response(),
                Err(_) => (status, Body::from(text)).into_response(),
            }
        }
    }
}

/// Cookies and waiting times set below stay.
fn keep(response: &mut Response, kept: &HeaderMap) {
    for name in [header::SET_COOKIE, header::RETRY_AFTER, header::ALLOW] {
        for value in kept.get_all(&name) {
            response.headers_mut().append(&name, value.clone());
        }
    }
}

/// A path that may stand in a query.
fn web_safe(path: &str) -> String {
    path.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_')).collect()
}
