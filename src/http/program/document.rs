//! The OpenAPI document, and the page to try what it describes. Knows no operation.

use askama::Template;
use axum::{
    extract::State,
    http::header,
    response::{Html, IntoResponse, Response},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, InfoBuilder, OpenApiBuilder, Paths,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
        tag::TagBuilder,
    },
};

use super::op::{Access, Api, Op};
use crate::http::{
    error::{ApiError, Problem},
    router::{Settings, Shared},
    words::Lang,
};

const ABOUT: &str = "What programs may ask and do at one site. Amounts are in minor units of their currency, instants in UTC. \
Send a token as `Authorization: Bearer`; `/console/programs` gives them out. Every error is a problem (RFC 9457): `detail` \
says what happened, `who` to what, `next` what to do. A POST with an `Idempotency-Key` is done once. Lists come some at a \
time: the header `Link` leads on. Where the Alliance for Parking Data Standards (APDS) has a word for a thing, its tag says so.";

/// Tags with what they are about.
const TAGS: [(&str, &str); 20] = [
    ("admissions", "Persons let through turnstiles. APDS: observations of access"),
    ("alarms", "What a person should know"),
    ("arrears", "Fees that were not paid"),
    ("devices", "Cameras, barriers, boards. APDS: supplemental equipment"),
    ("lanes", "Ways in and out. APDS: vehicular access"),
    ("lists", "Plates the site knows by name. APDS: eligibility of a credential"),
    ("openapi.json", "This document"),
    ("orders", "What is owed, and what counters sell. APDS: the payment of a session or right"),
    ("passes", "Season parking. APDS: assigned rights, their plates being credentials"),
    ("payments", "Attempts to collect through the bank. APDS: payments"),
    ("reservations", "Places kept. APDS: assigned rights of type reservation"),
    ("settlement", "The bank's statements against the ledger"),
    ("shifts", "Operators' times at the booths"),
    ("stays", "Vehicles' presences. APDS: sessions, with their segments"),
    ("tasks", "What only a person can decide"),
    ("tickets", "Rights of visitors to come in. APDS: assigned rights"),
    ("validations", "What merchants give. APDS: validations of a session"),
    ("webhooks", "Events that the site sends"),
    ("events", "The same events, asked for"),
    ("zones", "Areas with their counts. APDS: hierarchy elements of a place, with occupancy"),
];

pub(super) fn api(api: Api) -> Api {
    api.on(
        Op::get("/api/v1/openapi.json", "getDocument", "This document")
            .by(Access::Anyone)
            .gives::<Document>(200, "OpenAPI 3.1"),
        document,
    )
}

/// An OpenAPI document.
struct Document;

impl PartialSchema for Document {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let object = utoipa::openapi::ObjectBuilder::new();
        object.schema_type(utoipa::openapi::schema::Type::Object).build().into()
    }
}

impl ToSchema for Document {}

async fn document(State(web): State<Shared>) -> Result<Response, ApiError> {
    let text = web.document.get().cloned().ok_or(ApiError::Internal)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// The document as it is served.
pub(super) fn of(settings: &Settings, paths: Paths, mut components: Components) -> String {
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    let bearer = |what: &str| {
        let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(what));
        SecurityScheme::Http(http.build())
    };
    let cookie = if settings.is_https() { "__Host-paifang" } else { "paifang" };
    let session = ApiKey::Cookie(ApiKeyValue::new(cookie));
    for (name, scheme) in [
        ("token", bearer("A program's token, with the scopes named")),
        ("counterToken", bearer("The token of a counter's program")),
        ("merchantToken", bearer("The token of a merchant's program")),
        ("session", SecurityScheme::ApiKey(session)),
    ] {
        components.add_security_scheme(name, scheme);
    }
    let tags =
        TAGS.map(|(name, what)| TagBuilder::new().name(name).description(Some(what)).build());
    let info = InfoBuilder::new()
        .title("Paifang")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT));
    let document = OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components))
        .tags(Some(tags))
        .build();
    document.to_json().unwrap_or_default()
}

#[derive(Template)]
#[template(path = "api.html", config = "src/http/askama.toml")]
struct TryPage<'a> {
    l: Lang,
    site: &'a str,
    css: &'a str,
    js: &'a str,
}

/// Anybody may look: it holds nothing but the document, and asks with the token that is typed in.
pub(super) async fn try_page(State(web): State<Shared>, l: Lang) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let (css, js) = (web.assets.css_path(), web.assets.api_js_path());
    let page = TryPage { l, site: &rules.site_name, css, js };
    Ok(Html(page.render()?).into_response())
}
