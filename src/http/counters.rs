//! The counters whose programs may sell through this site: each is given a token by an operator, shown once. Sells
//! nothing.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    console::Frame,
    error::ApiError,
    merchant::fresh_token,
    ports::Counter,
    router::{Shared, Web},
    signin::Signed,
    words::Lang,
};
use crate::types::CounterId;

#[derive(Template)]
#[template(path = "counters.html", config = "src/http/askama.toml")]
struct CountersPage {
    f: Frame,
    counters: Vec<Counter>,
    /// Shown once: counter and token.
    secret: Option<(CounterId, String)>,
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    show(&web, l, signed, None).await
}

async fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    secret: Option<(CounterId, String)>,
) -> Result<Response, ApiError> {
    let counters = web.payments.counters().await?;
    let f = Frame::new(web, l, &signed);
    Ok(Html(CountersPage { f, counters, secret }.render()?).into_response())
}

#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
}

/// A new counter, or a new token for one: the former is worth nothing from now on.
pub(super) async fn put(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(named): Form<Named>,
) -> Result<Response, ApiError> {
    let odd = ApiError::Unfit(
        "名称须为 1 到 32 个小写字母、数字或短横。",
        "A counter's name is 1 to 32 of a-z, 0-9 and '-'.",
    );
    let counter = CounterId::parse(named.name.trim()).ok_or(odd)?;
    if let Some(programs) = &web.programs
        && programs.programs().await?.iter().any(|program| program.name == counter.as_str())
    {
        return Err(ApiError::Unfit(
            "已有程序使用该名称，请换一个。",
            "A program sells by this name; take another.",
        ));
    }
    let (token, digest) = fresh_token(32)?;
    web.payments.put_counter(counter.clone(), digest, signed.name.clone()).await?;
    tracing::info!(%counter, operator = signed.name, "a counter's token was given out");
    show(&web, l, signed, Some((counter, token))).await
}

pub(super) async fn forget(
    State(web): State<Shared>,
    signed: Signed,
    Path(counter): Path<String>,
) -> Result<Response, ApiError> {
    let counter = CounterId::parse(&counter).ok_or(ApiError::NotFound)?;
    web.payments.drop_counter(counter.clone()).await?;
    tracing::info!(%counter, operator = signed.name, "a counter's token was taken back");
    Ok(Redirect::to("/console/counters").into_response())
}
