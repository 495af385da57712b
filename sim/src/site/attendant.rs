//! The attendant at the console: signs in, opens barriers with a reason, types plates, over HTTP like a browser. Knows
//! no lane's state.

use std::time::Duration;

use paifang::core::lane::OperatorAct;
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE},
};
use tokio::sync::Mutex;
use tracing::warn;

use crate::world::Told;

/// The account the attendant uses.
pub const NAME: &str = "admin";
const PATIENCE: Duration = Duration::from_secs(10);

/// One person with one session.
#[derive(Debug)]
pub struct Attendant {
    client: Client,
    site: String,
    name: String,
    password: String,
    one_time: Mutex<Option<String>>,
    cookie: Mutex<Option<String>>,
}

/// Why the attendant is not in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error("the console gives no answer: {0}")]
    Network(#[from] reqwest::Error),
    #[error("the console refuses the sign-in with {0}; was the password changed by hand?")]
    Refused(StatusCode),
}

impl Attendant {
    /// Will use `password`. Where that is not known yet, `one_time` is used once and changed to it.
    pub fn new(site: &str, password: &str, one_time: Option<String>) -> Result<Self, SignInError> {
        Self::named(NAME, site, password, one_time)
    }

    /// The same by another account.
    pub fn named(
        name: &str,
        site: &str,
        password: &str,
        one_time: Option<String>,
    ) -> Result<Self, SignInError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()?;
        let (one_time, cookie) = (Mutex::new(one_time), Mutex::default());
        let (name, site, password) = (name.to_owned(), site.to_owned(), password.to_owned());
        Ok(Self { client, site, name, password, one_time, cookie })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// Signs in, and changes the one-time password if it still is one.
    pub async fn sign_in(&self) -> Result<(), SignInError> {
        let mut one_time = self.one_time.lock().await;
        let tries = [one_time.clone(), Some(self.password.clone())];
        let mut refused = StatusCode::UNAUTHORIZED;
        for password in tries.into_iter().flatten() {
            let form = [("name", &self.name), ("password", &password)];
            let said = self.post("/signin").form(&form).send().await?;
            refused = said.status();
            if !refused.is_redirection() {
                continue;
            }
            self.keep(&said).await;
            if said.headers().get(LOCATION).is_some_and(|to| to == "/password") {
                let new = self.password.as_str();
                let form = [("old", password.as_str()), ("new", new), ("again", new)];
                let said = self.signed(self.post("/password")).await.form(&form).send().await?;
                if !said.status().is_redirection() {
                    return Err(SignInError::Refused(said.status()));
                }
                self.keep(&said).await;
            }
            *one_time = None;
            return Ok(());
        }
        Err(SignInError::Refused(refused))
    }

    /// The session, such as `paifang=…`.
    pub async fn cookie(&self) -> Option<String> {
        self.cookie.lock().await.clone()
    }

    /// Goes on with a session that an earlier attendant of this name began.
    pub async fn resume(&self, cookie: String) {
        *self.cookie.lock().await = Some(cookie);
    }

    pub async fn operate(&self, lane: &str, act: OperatorAct, reason: &str) -> Told {
        let body = serde_json::json!({ "act": act, "reason": reason }).to_string();
        let request = || {
            let post = self.post(&format!("/api/v1/lanes/{lane}/operate"));
            post.header(CONTENT_TYPE, "application/json").body(body.clone())
        };
        self.told(request).await
    }

    /// Registers a ticket, valid from now; its number.
    pub async fn sell(&self, code: &str, persons: u32, until: jiff::Timestamp) -> Option<i64> {
        let body = serde_json::json!({ "code": code, "persons": persons, "valid_until": until });
        let post = self.post("/api/v1/tickets").header(CONTENT_TYPE, "application/json");
        let said = self.signed(post.body(body.to_string())).await.send().await.ok()?;
        let body: serde_json::Value = serde_json::from_slice(&said.bytes().await.ok()?).ok()?;
        body.get("id")?.as_i64()
    }

    /// Types the plate of the vehicle in a lane.
    pub async fn type_plate(&self, lane: &str, plate: &str) -> Told {
        let request =
            || self.post(&format!("/console/lanes/{lane}/plate")).form(&[("plate", plate)]);
        self.told(request).await
    }

    /// A page of the console; `None`: it is refused, or nobody answers.
    pub async fn page(&self, path: &str) -> Option<String> {
        let said = self.answered(|| self.client.get(format!("{}{path}", self.site))).await?;
        if said.status().is_success() { said.text().await.ok() } else { None }
    }

    /// What a program would be told.
    pub async fn facts(&self, path: &str) -> Option<serde_json::Value> {
        serde_json::from_str(&self.page(path).await?).ok()
    }

    /// Sends a form; the page that comes back at once, if the site did it.
    pub async fn fill(&self, path: &str, form: &[(&str, &str)]) -> Option<String> {
        let said = self.answered(|| self.post(path).form(form)).await?;
        let done = said.status().is_success() || said.status().is_redirection();
        if done { said.text().await.ok() } else { None }
    }

    /// Sends a form; the address that the site leads to.
    pub async fn led_by(&self, path: &str, form: &[(&str, &str)]) -> Option<String> {
        let said = self.answered(|| self.post(path).form(form)).await?;
        said.headers().get(LOCATION)?.to_str().ok().map(str::to_owned)
    }

    /// Sends JSON; whether the site did it.
    pub async fn send(&self, path: &str, body: &serde_json::Value) -> Told {
        let body = body.to_string();
        let post = || self.post(path).header(CONTENT_TYPE, "application/json");
        self.told(|| post().body(body.clone())).await
    }

    async fn told(&self, request: impl Fn() -> RequestBuilder) -> Told {
        match self.answered(request).await.map(|said| said.status()) {
            Some(status) if status.is_success() || status.is_redirection() => Told::Done,
            Some(status) if status.is_client_error() => Told::Refused(None),
            _ => Told::Nobody,
        }
    }

    /// Once more after signing in, if that is what is missing.
    async fn answered(&self, request: impl Fn() -> RequestBuilder) -> Option<Response> {
        for _ in 0..2 {
            let said = self.signed(request()).await.send().await.ok()?;
            let to_sign_in = said.headers().get(LOCATION).is_some_and(|to| {
                to.to_str().is_ok_and(|to| to.starts_with("/signin") || to.starts_with("/password"))
            });
            if !matches!(said.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
                && !to_sign_in
            {
                return Some(said);
            }
            if let Err(why) = self.sign_in().await {
                warn!(%why, "the attendant is not in");
                return None;
            }
        }
        None
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.site)).header(ORIGIN, &self.site)
    }

    async fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match self.cookie.lock().await.clone() {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    async fn keep(&self, said: &Response) {
        let line = said.headers().get(SET_COOKIE).and_then(|line| line.to_str().ok());
        if let Some(pair) = line.and_then(|line| line.split(';').next()) {
            *self.cookie.lock().await = Some(pair.to_owned());
        }
    }
}
