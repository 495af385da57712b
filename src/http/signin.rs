//! Who the operator is: passwords, sessions, signing in and out. Knows no lane.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use askama::Template;
use axum::{
    Form,
    extract::{FromRequestParts, Query, State},
    http::{HeaderMap, StatusCode, Uri, header, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use rand::{TryRng, rngs::SysRng};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    error::ApiError,
    guard::Source,
    ports::{AccountNote, Operator, Session},
    roles::{self, Right, Rights},
    router::{Shared, Web},
    words::{Lang, cookie},
};
use crate::types::{AccountDid, Role};

/// A session ends this long after its last use.
const SESSION_LIFE: SignedDuration = SignedDuration::from_hours(12);
/// Its end is moved on disk only when this much would be gained.
const SESSION_STEP: SignedDuration = SignedDuration::from_mins(15);
pub(super) const PASSWORD_CHARS_MIN: usize = 10;
pub(super) const PASSWORD_BYTES_MAX: usize = 256;

#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed: {0}")]
pub struct PasswordError(String);

/// Argon2id with a fresh salt, as a PHC string. Takes tens of milliseconds and 19 MiB: not for an async task.
pub fn hash_password(password: &str) -> Result<String, PasswordError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| PasswordError(error.to_string()))
}

/// `false` also for a hash that cannot be read. As slow as [`hash_password`].
pub fn verify_password(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Costs an unknown name as much time as a known one. Of a password that is no longer known.
pub(super) const NOBODYS_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA\
                            $2YPbMVXSpBbcXVKbhn2aTE0Uox5FqAcgKNMnGTQGKqU";

// ---- the session ---------------------------------------------------------------------------------

/// Of readers: one for each role, and one for who has none.
pub(super) const CLASSES: usize = Role::ALL.len() + 1;

/// Who asks, and may: [`super::roles`] puts it before each route that needs a right.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) name: String,
    /// `None`: no person.
    pub(super) role: Option<Role>,
    pub(super) rights: Rights,
    /// Of its session, if it has one.
    digest: Option<[u8; 32]>,
    /// The page that is asked for.
    pub(super) uri: Uri,
}

impl Signed {
    /// Whoever reads the data folder.
    pub(super) fn command_line() -> Self {
        Self {
            name: "command line".into(),
            role: None,
            rights: Right::ALL.into_iter().collect(),
            digest: None,
            uri: Uri::default(),
        }
    }

    /// A program, by its token.
    pub(super) fn program(name: String, rights: Rights) -> Self {
        Self { name, role: None, rights, digest: None, uri: Uri::default() }
    }

    pub(super) fn may(&self, right: Right) -> bool {
        self.rights.has(right)
    }

    /// All of one class are shown the same on a live page.
    pub(super) fn class(&self) -> usize {
        self.role.map_or(0, |role| role as usize + 1)
    }

    /// For acts whose right depends on what they are done to.
    pub(super) fn must(&self, right: Right) -> Result<(), ApiError> {
        if self.may(right) { Ok(()) } else { Err(ApiError::NotAllowed { right, role: self.role }) }
    }

    /// Whether it is signed in still, by the same role: a live page ends when it is not.
    pub(super) async fn lasts(&self, web: &Web) -> bool {
        let Some(digest) = self.digest else { return true };
        let session = web.records.session(digest).await.ok().flatten();
        let Some(session) = session.filter(|session| session.until > web.desk.now()) else {
            return false;
        };
        let operator = web.records.operator(session.operator).await.ok().flatten();
        operator.is_some_and(|operator| Some(operator.role) == self.role && !operator.must_change)
    }
}

/// Signed in, perhaps with a password that must be changed first.
#[derive(Clone, Debug)]
pub(super) struct Known {
    operator: Operator,
    digest: [u8; 32],
}

impl Known {
    pub(super) async fn of(web: &Web, headers: &HeaderMap) -> Result<Self, ApiError> {
        let digest = digest_of(web, headers).ok_or(ApiError::SignIn)?;
        let session = web.records.session(digest).await?.ok_or(ApiError::SignIn)?;
        let now = web.desk.now();
        if session.until <= now {
            web.records.drop_session(digest).await?;
            return Err(ApiError::SignIn);
        }
        let until = now + SESSION_LIFE;
        if until.duration_since(session.until) > SESSION_STEP {
            web.records.put_session(Session { until, ..session.clone() }).await?;
        }
        let operator = web.records.operator(session.operator).await?.ok_or(ApiError::SignIn)?;
        Ok(Self { operator, digest })
    }

    pub(super) fn signed(self, uri: &Uri) -> Result<Signed, ApiError> {
        if self.operator.must_change {
            return Err(ApiError::NewPassword);
        }
        let Operator { name, role, .. } = self.operator;
        let (rights, digest) = (Rights::of(role), Some(self.digest));
        Ok(Signed { name, role: Some(role), rights, digest, uri: uri.clone() })
    }
}

impl FromRequestParts<Shared> for Known {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Shared) -> Result<Self, ApiError> {
        Self::of(web, &parts.headers).await
    }
}

impl<S: Sync> FromRequestParts<S> for Signed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!(path = parts.uri.path(), "no right stands before this route");
            ApiError::Internal
        })
    }
}

/// Browsers let nobody but this host set a cookie with this prefix, and only over TLS.
fn cookie_name(web: &Web) -> &'static str {
    if web.settings.is_https() { "__Host-paifang" } else { "paifang" }
}

fn digest_of(web: &Web, headers: &HeaderMap) -> Option<[u8; 32]> {
    let token = cookie(headers, cookie_name(web))?;
    (token.len() == 43).then(|| Sha256::digest(token).into())
}

fn set_cookie(web: &Web, token: &str, rest: &str) -> String {
    let secure = if web.settings.is_https() { "; Secure" } else { "" };
    format!("{}={token}; HttpOnly; SameSite=Strict; Path=/{secure}{rest}", cookie_name(web))
}

async fn begin_session(web: &Web, operator: String, to: &str) -> Result<Response, ApiError> {
    let mut bytes = [0; 32];
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| ApiError::Internal)?;
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let digest = Sha256::digest(&token).into();
    let until = web.desk.now() + SESSION_LIFE;
    web.records.put_session(Session { digest, operator, until }).await?;
    Ok(([(header::SET_COOKIE, set_cookie(web, &token, ""))], Redirect::to(to)).into_response())
}

// ---- signing in and out --------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "signin.html", config = "src/http/askama.toml")]
struct SignInPage<'a> {
    l: Lang,
    css: &'a str,
    site: &'a str,
    next: &'a str,
    name: &'a str,
    wrong: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    Query(next): Query<Next>,
) -> Result<Response, ApiError> {
    sign_in_page(&web, l, StatusCode::OK, &next.next, "", String::new())
}

fn sign_in_page(
    web: &Web,
    l: Lang,
    status: StatusCode,
    next: &str,
    name: &str,
    wrong: String,
) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let css = web.assets.css_path();
    let page = SignInPage { l, css, site: &rules.site_name, next, name, wrong }.render()?;
    Ok((status, Html(page)).into_response())
}

#[derive(Deserialize)]
pub(super) struct Credentials {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn sign_in(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Form(given): Form<Credentials>,
) -> Result<Response, ApiError> {
    let now = web.desk.now();
    if let Err(error) = web.sign_ins.may_try(source, now) {
        let status = StatusCode::TOO_MANY_REQUESTS;
        return sign_in_page(&web, l, status, &given.next, &given.name, error.text(l));
    }
    web.sign_ins.count(source, now);
    let name = given.name.trim().to_owned();
    let operator = web.records.operator(name.clone()).await?;
    let hash = operator.as_ref().map_or(NOBODYS_HASH, |operator| &operator.password_hash);
    let right = verify(&web, given.password, hash.to_owned()).await?;
    let note = |did| {
        // A name that nobody has may be a password typed into the wrong field.
        let whom = operator.as_ref().map(|operator| operator.name.clone());
        AccountNote { did, by: whom.clone().unwrap_or_default(), whom, detail: source.to_string() }
    };
    let did =
        if right && operator.is_some() { AccountDid::SignedIn } else { AccountDid::SignInFailed };
    web.staff.note(note(did)).await?;
    let Some(operator) = operator.filter(|_| right) else {
        tracing::warn!("a sign-in failed");
        let wrong = l.say("姓名或密码不对", "The name or the password is wrong").to_owned();
        return sign_in_page(&web, l, StatusCode::UNAUTHORIZED, &given.next, &name, wrong);
    };
    web.sign_ins.forget(source);
    tracing::info!(operator = operator.name, "signed in");
    let to = match inside(&given.next) {
        _ if operator.must_change => "/password",
        "/console" => roles::home(Some(operator.role)),
        page => page,
    };
    begin_session(&web, operator.name, to).await
}

pub(super) async fn verify(web: &Web, password: String, hash: String) -> Result<bool, ApiError> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Ok(false);
    }
    let _turn = web.hashing.acquire().await.map_err(|_| ApiError::Busy)?;
    tokio::task::spawn_blocking(move || verify_password(&password, &hash))
        .await
        .map_err(|_| ApiError::Internal)
}

/// One at a time, off the async threads.
pub(super) async fn hash(web: &Web, password: String) -> Result<String, ApiError> {
    let _turn = web.hashing.acquire().await.map_err(|_| ApiError::Busy)?;
    let hash = tokio::task::spawn_blocking(move || hash_password(&password));
    hash.await.map_err(|_| ApiError::Internal)?.map_err(|_| ApiError::Internal)
}

/// Where to go after signing in: only ever to a page of the console.
fn inside(next: &str) -> &str {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_');
    let ours = next == "/console" || next.starts_with("/console/");
    if ours && next.bytes().all(fits) { next } else { "/console" }
}

pub(super) async fn sign_out(
    State(web): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(digest) = digest_of(&web, &headers) {
        if let Some(session) = web.records.session(digest).await? {
            let (did, by) = (AccountDid::SignedOut, session.operator);
            let whom = Some(by.clone());
            web.staff.note(AccountNote { did, whom, by, detail: String::new() }).await?;
        }
        web.records.drop_session(digest).await?;
    }
    let gone = set_cookie(&web, "", "; Max-Age=0");
    Ok(([(header::SET_COOKIE, gone)], Redirect::to("/signin")).into_response())
}

// ---- a new password ------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "password.html", config = "src/http/askama.toml")]
struct PasswordPage<'a> {
    l: Lang,
    css: &'a str,
    site: &'a str,
    who: &'a str,
    forced: bool,
    chars_min: usize,
    wrong: &'a str,
}

fn new_password_page(
    web: &Web,
    l: Lang,
    known: &Known,
    status: StatusCode,
    wrong: &str,
) -> Result<Response, ApiError> {
    let page = PasswordPage {
        l,
        css: web.assets.css_path(),
        site: &web.desk.rules().site_name,
        who: &known.operator.name,
        forced: known.operator.must_change,
        chars_min: PASSWORD_CHARS_MIN,
        wrong,
    };
    Ok((status, Html(page.render()?)).into_response())
}

pub(super) async fn password_page(
    State(web): State<Shared>,
    l: Lang,
    known: Known,
) -> Result<Response, ApiError> {
    new_password_page(&web, l, &known, StatusCode::OK, "")
}

#[derive(Deserialize)]
pub(super) struct NewPassword {
    old: String,
    new: String,
    again: String,
}

/// Ends every session of the operator and begins a new one.
pub(super) async fn change_password(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    known: Known,
    Form(given): Form<NewPassword>,
) -> Result<Response, ApiError> {
    web.sign_ins.may_try(source, web.desk.now())?;
    let unfit = |wrong| new_password_page(&web, l, &known, StatusCode::UNPROCESSABLE_ENTITY, wrong);
    if given.new != given.again {
        return unfit(l.say("两次输入的新密码不同", "The two new passwords differ"));
    }
    if given.new.chars().count() < PASSWORD_CHARS_MIN || given.new.len() > PASSWORD_BYTES_MAX {
        return unfit(l.say("新密码至少 10 个字符", "A password has at least 10 characters"));
    }
    if given.new == given.old {
        return unfit(l.say("新密码与旧密码相同", "The new password is the old one"));
    }
    if !verify(&web, given.old, known.operator.password_hash.clone()).await? {
        web.sign_ins.count(source, web.desk.now());
        return unfit(l.say("旧密码不对", "The old password is wrong"));
    }
    let password_hash = hash(&web, given.new).await?;
    let name = known.operator.name.clone();
    web.staff.new_password(name.clone(), password_hash).await?;
    web.records.drop_session(known.digest).await?;
    web.records.drop_sessions_of(name.clone()).await?;
    tracing::info!(operator = name, "changed the password");
    begin_session(&web, name, roles::home(Some(known.operator.role))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_verify_and_only_they() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify_password("correct horse", &hash));
        assert!(!verify_password("correct hors", &hash));
        assert!(!verify_password("x", "no hash at all"));
        assert_ne!(hash, hash_password("correct horse").unwrap(), "each has its own salt");
    }

    /// A hash that cannot be read would answer at once and tell that the name is unknown.
    #[test]
    fn nobodys_hash_costs_as_much_as_a_real_one() {
        let nobody = PasswordHash::new(NOBODYS_HASH).unwrap();
        let real = hash_password("x").unwrap();
        let real = PasswordHash::new(&real).unwrap();
        assert_eq!((nobody.algorithm, nobody.version), (real.algorithm, real.version));
        assert_eq!(nobody.params, real.params);
        assert_eq!(nobody.hash.map(|h| h.len()), real.hash.map(|h| h.len()));
    }

    #[test]
    fn after_signing_in_only_to_the_console() {
        assert_eq!(inside("/console/stays/3"), "/console/stays/3");
        for elsewhere in ["//evil.example", "https://evil.example", "/console@evil", "", "/p/1"] {
            assert_eq!(inside(elsewhere), "/console", "{elsewhere}");
        }
    }
}
