//! A driver's phone: opens the page behind a lane's QR code, presses its buttons, pays at the
//! bank's cashier. Knows pages only by their forms, so that their looks can change.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::{
    Client, StatusCode, Url,
    header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE},
    redirect,
};
use thiserror::Error;
use tokio::time::sleep;

use super::{
    html::{self, Form},
    lock,
};

/// Redirects and pages that go on by themselves.
const STEPS_MAX: usize = 20;
/// A page that goes on by itself later than this is one that stays, until nobody looks at it any more.
const STAYS_S: u32 = 30;
/// A page that goes on by itself is not waited for longer.
const REFRESH_MAX: Duration = Duration::from_secs(2);
const PAGE_LIMIT: Duration = Duration::from_secs(10);

/// A browser with its cookies; clones are the same one.
#[derive(Clone, Debug)]
pub struct Phone {
    client: Client,
    public_url: Url,
    /// Origin, name, value.
    cookies: Arc<Mutex<Vec<(String, String, String)>>>,
}

/// A page as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub url: Url,
    pub html: String,
}

impl Page {
    /// What a reader sees, in one line.
    pub fn text(&self) -> String {
        html::text(&self.html)
    }

    /// Where it leads to.
    pub fn links(&self) -> Vec<Url> {
        let links = html::links(&self.html);
        links.iter().filter_map(|link| resolve(&self.url, link).ok()).collect()
    }

    /// It has a form to pay with.
    pub fn can_pay(&self) -> bool {
        self.pay_form().is_some()
    }

    /// It asks for a plate.
    pub fn asks_plate(&self) -> bool {
        self.plate_form().is_some()
    }

    /// What may be chosen under a name, in the page's order: what is full or closed is not among it.
    pub fn choices(&self, name: &str) -> Vec<String> {
        let forms = html::forms(&self.html);
        let all = forms.into_iter().flat_map(|form| [form.inputs, form.choices].concat());
        all.filter(|(one, _)| one == name).map(|(_, value)| value).collect()
    }

    /// What a script of the page would find in an attribute, such as `data-code`.
    pub fn attribute(&self, name: &str) -> Option<String> {
        html::attribute(&self.html, name)
    }

    /// The one that says so in its address, else the first that asks nothing.
    fn pay_form(&self) -> Option<Form> {
        let forms = html::forms(&self.html);
        let mut able = forms.into_iter().filter(|form| form.is_post && !form.has("plate"));
        let first = able.next()?;
        if first.action.contains("pay") {
            return Some(first);
        }
        able.find(|form| form.action.contains("pay")).or(Some(first))
    }

    fn plate_form(&self) -> Option<Form> {
        html::forms(&self.html).into_iter().find(|form| form.has("plate"))
    }
}

/// Why the driver did not get on.
#[derive(Debug, Error)]
pub enum PhoneError {
    /// No page: the network, or an address that is none.
    #[error("{url} gives no page: {why}")]
    Network { url: String, why: String },
    /// A page that says no.
    #[error("{url} says {status}: {text}")]
    Status { url: Url, status: StatusCode, text: String },
    /// The button looked for is not on the page.
    #[error("{url} has no such form: {text}")]
    NoForm { url: Url, text: String },
    /// Pressed pay, and was led not to the bank but to this page.
    #[error("paying led to {url}, which is no cashier: {text}")]
    NotAtCashier { url: Url, text: String },
}

impl Phone {
    /// For the site whose pages begin with `public_url`.
    pub fn new(public_url: &str) -> Result<Self, PhoneError> {
        // Fails if the process has one already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let failed = |why: String| PhoneError::Network { url: public_url.to_owned(), why };
        let public_url = Url::parse(public_url).map_err(|e| failed(e.to_string()))?;
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(PAGE_LIMIT)
            .build()
            .map_err(|e| failed(e.to_string()))?;
        Ok(Self { client, public_url, cookies: Arc::default() })
    }

    /// Scans the code of a lane.
    pub async fn open_lane_page(&self, lane: &str) -> Result<Page, PhoneError> {
        let base = self.public_url.as_str().trim_end_matches('/');
        self.open(&format!("{base}/l/{lane}")).await
    }

    /// Opens any address.
    pub async fn open(&self, url: &str) -> Result<Page, PhoneError> {
        let parsed = Url::parse(url)
            .map_err(|e| PhoneError::Network { url: url.to_owned(), why: e.to_string() })?;
        self.follow(parsed, None).await
    }

    /// Scans the code, presses pay, pays at the cashier; the bank's last page, which says how it
    /// went.
    pub async fn pay(&self, lane: &str) -> Result<Page, PhoneError> {
        let cashier = self.go_to_cashier(lane).await?;
        self.pay_at_cashier(&cashier).await
    }

    /// Scans the code and presses pay, no further; the cashier's page.
    pub async fn go_to_cashier(&self, lane: &str) -> Result<Page, PhoneError> {
        let page = self.open_lane_page(lane).await?;
        let cashier = self.submit(&page, page.pay_form(), &[]).await?;
        if cashier.url.origin() == self.public_url.origin() {
            let text = cashier.text();
            return Err(PhoneError::NotAtCashier { url: cashier.url, text });
        }
        Ok(cashier)
    }

    /// Presses pay on a page of the site.
    pub async fn press_pay(&self, page: &Page) -> Result<Page, PhoneError> {
        self.submit(page, page.pay_form(), &[]).await
    }

    /// Fills the form that goes to an address that ends with `end` and takes what is typed or chosen, and sends it.
    pub async fn fill(
        &self,
        page: &Page,
        end: &str,
        typed: &[(&str, &str)],
    ) -> Result<Page, PhoneError> {
        let mut forms = html::forms(&page.html).into_iter();
        let takes = |form: &Form| typed.iter().all(|(name, _)| form.takes(name));
        let form = forms.find(|form| form.action.ends_with(end) && takes(form));
        self.submit(page, form, typed).await
    }

    /// No page of the site: the bank's, as a rule.
    pub fn is_elsewhere(&self, url: &Url) -> bool {
        url.origin() != self.public_url.origin()
    }

    /// Where a page of the site sends its reader on to.
    pub fn link_elsewhere(&self, page: &Page) -> Option<Url> {
        page.links()
            .into_iter()
            .find(|url| url.scheme().starts_with("http") && self.is_elsewhere(url))
    }

    /// Presses pay on the cashier's page.
    pub async fn pay_at_cashier(&self, cashier: &Page) -> Result<Page, PhoneError> {
        self.submit(cashier, cashier.pay_form(), &[]).await
    }

    /// Scans the code and types the plate into the form that asks for it.
    pub async fn type_plate(&self, lane: &str, plate: &str) -> Result<Page, PhoneError> {
        let page = self.open_lane_page(lane).await?;
        self.submit(&page, page.plate_form(), &[("plate", plate)]).await
    }

    /// Scans the code and presses the button whose form goes to an address that ends with one of `ends`.
    pub async fn press(&self, lane: &str, ends: &[&str]) -> Result<Page, PhoneError> {
        let page = self.open_lane_page(lane).await?;
        let mut forms = html::forms(&page.html).into_iter();
        let form = forms.find(|form| ends.iter().any(|end| form.action.ends_with(end)));
        self.submit(&page, form, &[]).await
    }

    async fn submit(
        &self,
        page: &Page,
        form: Option<Form>,
        typed: &[(&str, &str)],
    ) -> Result<Page, PhoneError> {
        let (url, text) = (page.url.clone(), page.text());
        let Some(mut form) = form else { return Err(PhoneError::NoForm { url, text }) };
        for (name, value) in typed {
            form.set(name, value);
        }
        let mut url = resolve(&page.url, &form.action)?;
        if form.is_post {
            return self.follow(url, Some(form.inputs)).await;
        }
        url.query_pairs_mut().clear().extend_pairs(&form.inputs);
        self.follow(url, None).await
    }

    /// One page after the other until one stays.
    async fn follow(
        &self,
        mut url: Url,
        mut inputs: Option<Vec<(String, String)>>,
    ) -> Result<Page, PhoneError> {
        for _ in 0..STEPS_MAX {
            match self.request(&url, inputs.take()).await? {
                Step::Elsewhere(next) => url = next,
                Step::Page(page) => match html::refresh(&page.html) {
                    Some((seconds, next)) if !next.is_empty() && seconds < STAYS_S => {
                        sleep(Duration::from_secs(seconds.into()).min(REFRESH_MAX)).await;
                        url = resolve(&page.url, &next)?;
                    }
                    _ => return Ok(page),
                },
            }
        }
        Err(PhoneError::Network { url: url.into(), why: "it leads on for ever".to_owned() })
    }

    async fn request(
        &self,
        url: &Url,
        inputs: Option<Vec<(String, String)>>,
    ) -> Result<Step, PhoneError> {
        let failed = |e: reqwest::Error| PhoneError::Network {
            url: url.to_string(),
            why: std::error::Error::source(&e).map_or(e.to_string(), ToString::to_string),
        };
        let request = match inputs {
            // As browsers do, it says whose form it is.
            Some(inputs) => {
                let origin = url.origin().ascii_serialization();
                self.client.post(url.clone()).header(ORIGIN, origin).form(&inputs)
            }
            None => self.client.get(url.clone()),
        };
        let request = match self.cookies_for(url) {
            Some(cookies) => request.header(COOKIE, cookies),
            None => request,
        };
        let response = request.send().await.map_err(failed)?;
        self.keep_cookies(url, &response);
        let status = response.status();
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        if let (true, Some(location)) = (status.is_redirection(), location) {
            return resolve(url, location).map(Step::Elsewhere);
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_html = kind.is_some_and(|kind| kind.starts_with("text/html"));
        let html = response.text().await.map_err(failed)?;
        let page = Page { url: url.clone(), html };
        match status {
            _ if status.is_success() && is_html => Ok(Step::Page(page)),
            _ => Err(PhoneError::Status { url: url.clone(), status, text: page.text() }),
        }
    }

    fn cookies_for(&self, url: &Url) -> Option<String> {
        let origin = url.origin().ascii_serialization();
        let cookies = lock(&self.cookies);
        let own = cookies.iter().filter(|(one, ..)| *one == origin);
        let pairs: Vec<String> = own.map(|(_, name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    fn keep_cookies(&self, url: &Url, response: &reqwest::Response) {
        let origin = url.origin().ascii_serialization();
        for line in response.headers().get_all(SET_COOKIE) {
            let pair = line.to_str().ok().and_then(|line| line.split(';').next());
            let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) else { continue };
            let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
            let mut cookies = lock(&self.cookies);
            cookies.retain(|(at, known, _)| *at != origin || *known != name);
            cookies.push((origin.clone(), name, value));
        }
    }
}

enum Step {
    Page(Page),
    Elsewhere(Url),
}

fn resolve(base: &Url, reference: &str) -> Result<Url, PhoneError> {
    if reference.is_empty() {
        return Ok(base.clone());
    }
    base.join(reference)
        .map_err(|e| PhoneError::Network { url: reference.to_owned(), why: e.to_string() })
}
