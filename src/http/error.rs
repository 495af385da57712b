//! What went wrong, as a friendly page or as JSON. The inside of a failure goes to the log, never to the reader.

use askama::Template;
use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};

use super::{
    ports::{Busy, RecordsError},
    roles::{self, Right},
    router::Shared,
    words::{self, Lang},
};
use crate::{core::Refusal, types::Role};

#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("nothing is here")]
    NotFound,
    #[error("not signed in")]
    SignIn,
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
            Self::SignIn => StatusCode::UNAUTHORIZED,
            Self::NewPassword | Self::Foreign | Self::NotAllowed { .. } => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused(Refusal::NoReason | Refusal::CountUnfit { .. }) | Self::Unfit(..) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::Status(status) => *status,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word programs match on.
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::SignIn => "sign_in",
            Self::NewPassword => "new_password",
            Self::Foreign => "foreign_origin",
            Self::NotAllowed { .. } => "not_allowed",
            Self::TooMany(_) => "too_many",
            Self::Busy => "busy",
            Self::Refused(Refusal::NoReason) => "no_reason",
            Self::Refused(Refusal::NoLane(_)) => "no_lane",
            Self::Refused(_) => "refused",
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
            Self::Status(_) => l.say("无法理解这个请求。", "This request was not understood."),
            Self::Internal => l.say(
                "系统出错，已记录。请稍后再试，或联系岗亭。",
                "Something failed here and was recorded. Try again, or ask at the booth.",
            ),
        };
        text.to_owned()
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
    let made = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let plain = made.is_none_or(|made| made.starts_with("text/plain"));
    let error = match response.extensions().get::<ApiError>() {
        Some(error) => error.clone(),
        None if response.status() == StatusCode::NOT_FOUND && plain => ApiError::NotFound,
        None if response.status().is_client_error() && plain => ApiError::Status(response.status()),
        None if response.status().is_server_error() && plain => ApiError::Internal,
        None => return response,
    };
    let kept = response.headers().clone();
    let mut dressed = dressed(&web, l, &path, &error);
    keep(&mut dressed, &kept);
    dressed
}

fn dressed(web: &Shared, l: Lang, path: &str, error: &ApiError) -> Response {
    let (status, text) = (error.status(), error.text(l));
    if path.starts_with("/api/") {
        let body = serde_json::json!({ "error": { "code": error.code(), "text": text } });
        return (status, Json(body)).into_response();
    }
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
