//! The front door: whoever comes from the bank's cashier is led back to what they were paying, anybody else to what the
//! site offers. Knows no fee.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse, Redirect, Response},
};

use super::{
    error::ApiError,
    ops,
    router::{Shared, Web},
    words::{Lang, cookie},
};

/// Banks that know one address of a merchant send every payer there.
const COOKIE: &str = "paying";
const COOKIE_LIFE_S: u32 = 900;

#[derive(Template)]
#[template(path = "home.html", config = "src/http/askama.toml")]
struct Home<'a> {
    l: Lang,
    css: &'a str,
    site: &'a str,
    tickets: bool,
    invoices: bool,
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(token) = cookie(&headers, COOKIE).filter(|token| web.links.begun(token).is_some()) {
        return Ok(Redirect::to(&format!("/p/{token}")).into_response());
    }
    let rules = web.desk.rules();
    let (css, site) = (ops::DRIVER_CSS, rules.site_name.as_str());
    let tickets = !rules.shop.products.is_empty();
    let home = Home { l, css, site, tickets, invoices: rules.invoices };
    let mut response = Html(home.render()?).into_response();
    if let Ok(csp) = HeaderValue::from_str(web.assets.driver_csp()) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, csp);
    }
    Ok(response)
}

/// Lets the phone find back to an order that it is about to pay.
pub(super) fn remember(web: &Web, token: &str, mut response: Response) -> Response {
    let secure = if web.settings.is_https() { "; Secure" } else { "" };
    let text = format!(
        "{COOKIE}={token}; Path=/; Max-Age={COOKIE_LIFE_S}; SameSite=Lax; HttpOnly{secure}"
    );
    if let Ok(cookie) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
