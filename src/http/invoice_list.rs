//! The operators' page of invoices: all of them by title or number, and refused ones asked for anew. Decides nothing.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    console::Frame,
    error::ApiError,
    invoices::{Typed, desk},
    ports::Claimant,
    router::{Shared, Web},
    signin::Signed,
    words::{self, Lang},
};
use crate::{
    core::invoice::{Invoice, InvoiceState},
    types::OrderId,
};

const ROWS_MAX: u32 = 100;

#[derive(Template)]
#[template(path = "invoices.html", config = "src/http/askama.toml")]
struct InvoicesPage {
    f: Frame,
    search: String,
    invoices: Vec<Invoice>,
    notice: String,
}

impl InvoicesPage {
    fn state(&self, invoice: &Invoice) -> String {
        let l = self.f.l;
        match &invoice.state {
            InvoiceState::Asked => l.say("开票中", "asked for").to_owned(),
            InvoiceState::Issued { number, .. } => format!("{} {number}", l.say("已开", "issued")),
            InvoiceState::Refused { why } => format!("{}: {why}", l.say("被拒", "refused")),
            InvoiceState::Void => l.say("作废", "void").to_owned(),
        }
    }

    /// A refused claim after which no other came.
    fn may_retry(&self, invoice: &Invoice) -> bool {
        let later = |other: &Invoice| {
            other.order == invoice.order && other.red_of.is_none() && other.id > invoice.id
        };
        matches!(invoice.state, InvoiceState::Refused { .. })
            && invoice.red_of.is_none()
            && !self.invoices.iter().any(later)
    }

    #[expect(clippy::unused_self, reason = "templates ask the page")]
    fn tax_number<'i>(&self, invoice: &'i Invoice) -> &'i str {
        invoice.buyer.tax_number().map_or("", |number| number.as_str())
    }
}

#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

async fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    search: String,
    notice: String,
) -> Result<Response, ApiError> {
    let search = search.trim().to_owned();
    let invoices = desk(web)?.list(search.clone(), ROWS_MAX).await?;
    let status = if notice.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
    let f = Frame::new(web, l, &signed);
    Ok((status, Html(InvoicesPage { f, search, invoices, notice }.render()?)).into_response())
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Query(search): Query<Search>,
) -> Result<Response, ApiError> {
    show(&web, l, signed, search.q, String::new()).await
}

/// Asks anew for an order whose claim was refused; it is sent where it was to be sent before.
pub(super) async fn again(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(order): Path<i64>,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let order = OrderId(order);
    let buyer = match typed.buyer(l) {
        Ok(buyer) => buyer,
        Err(wrong) => return show(&web, l, signed, order.to_string(), wrong).await,
    };
    let claimant = Claimant { buyer, to: None, by: Some(signed.name.clone()) };
    match desk(&web)?.claim(order, claimant).await?.ok_or(ApiError::NotFound)?? {
        Ok(_) => Ok(Redirect::to(&format!("/console/invoices?q={order}")).into_response()),
        Err(refusal) => {
            let wrong = words::refusal(l, &refusal);
            show(&web, l, signed, order.to_string(), wrong).await
        }
    }
}
