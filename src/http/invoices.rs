//! Invoices as the driver sees them: found by the code on a receipt, claimed by whoever holds the link, and how they
//! stand. Decides nothing.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{
    error::ApiError,
    guard::Source,
    ops,
    ports::{Claimant, InvoiceDesk, InvoiceFile},
    router::{Shared, Web},
    words::{self, Lang},
};
use crate::{
    core::{
        Answer,
        invoice::{Invoice, InvoiceState, NoInvoice, claimable},
    },
    types::{Buyer, Contact, Money, OrderId, TaxNumber, TaxNumberError, invoice::title},
};

/// What the page is about.
#[derive(Debug)]
enum View {
    /// Type the code of a receipt.
    Code,
    None(NoInvoice),
    /// Claim one of this much; `Some`: the last claim was refused, and why.
    Claim(Money, Option<String>),
    Asked(Invoice),
    Issued(Invoice),
}

#[derive(Template)]
#[template(path = "invoice.html", config = "src/http/askama.toml")]
struct InvoicePage<'a> {
    l: Lang,
    css: &'a str,
    site: &'a str,
    zone: TimeZone,
    here: &'a str,
    view: View,
    typed: Typed,
    wrong: String,
}

impl InvoicePage<'_> {
    #[expect(clippy::unused_self, reason = "templates ask the page")]
    fn number<'i>(&self, invoice: &'i Invoice) -> &'i str {
        match &invoice.state {
            InvoiceState::Issued { number, .. } => number,
            _ => "",
        }
    }

    #[expect(clippy::unused_self, reason = "templates ask the page")]
    fn link<'i>(&self, invoice: &'i Invoice) -> Option<&'i str> {
        match &invoice.state {
            InvoiceState::Issued { link, .. } => link.as_deref(),
            _ => None,
        }
    }

    fn issued_at(&self, invoice: &Invoice) -> String {
        let InvoiceState::Issued { at, .. } = &invoice.state else { return String::new() };
        at.to_zoned_datetime(self.zone.clone()).strftime("%Y-%m-%d").to_string()
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    fn why_not(&self, why: &NoInvoice) -> &'static str {
        why_not(self.l, *why)
    }
}

/// A claim as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    name: String,
    tax_number: String,
    to: String,
}

impl Typed {
    /// With a tax number it is a company's.
    pub(super) fn buyer(&self, l: Lang) -> Result<Buyer, String> {
        let name = title(&self.name).ok_or_else(|| {
            l.say("请填写发票抬头（最多 100 字）", "Give the title: 1 to 100 characters").to_owned()
        })?;
        if self.tax_number.trim().is_empty() {
            return Ok(Buyer::Person { name });
        }
        let tax_number = TaxNumber::parse(&self.tax_number).map_err(|e| tax_wrong(l, e))?;
        Ok(Buyer::Company { name, tax_number })
    }

    fn claimant(&self, l: Lang) -> Result<Claimant, String> {
        let buyer = self.buyer(l)?;
        let to = Contact::parse(&self.to).ok_or_else(|| {
            l.say("请填写邮箱或手机号，用于接收发票", "Give the e-mail or phone it is sent to")
                .to_owned()
        })?;
        Ok(Claimant { buyer, to: Some(to), by: None })
    }
}

/// Says which character is wrong only where that is certain.
fn tax_wrong(l: Lang, error: TaxNumberError) -> String {
    if !l.is_zh() {
        return error.to_string();
    }
    match error {
        TaxNumberError::Length(found) => format!("税号应为 18 位，现为 {found} 位"),
        TaxNumberError::Character { at, is } => format!("税号第 {at} 位“{is}”不是税号会用的字符"),
        TaxNumberError::Region { at, is } => format!("税号第 {at} 位应为数字，现为“{is}”"),
        TaxNumberError::Check => "税号校验不通过，请逐位核对".to_owned(),
    }
}

/// Why there is none, and what to do.
pub(super) fn why_not(l: Lang, why: NoInvoice) -> &'static str {
    match why {
        NoInvoice::Off => l.say(
            "本场不在线开票，请联系岗亭",
            "This site issues no invoices online; ask at the booth",
        ),
        NoInvoice::NotPaid => {
            l.say("该订单还没有付款，付款后可开票", "This is not paid yet; claim it once it is")
        }
        NoInvoice::ByPass => l.say(
            "该费用由储值卡支付，发票在充值时开具",
            "A pass with stored value paid this; its invoice is for what was paid in",
        ),
        NoInvoice::ByCounter => l.say(
            "该订单由代理商结算，请向其索取发票",
            "Whoever sold it settles by account; ask there for the invoice",
        ),
        NoInvoice::NothingLeft => {
            l.say("已全额退款，不能开票", "All of it was given back: nothing is left to invoice")
        }
        NoInvoice::GoingBack => l.say(
            "退款正在办理，到账后再开票",
            "Money is on its way back; claim the invoice once it has arrived",
        ),
    }
}

fn view(file: &InvoiceFile) -> View {
    let last = file.last().cloned();
    let refused = match last {
        Some(invoice) if invoice.state == InvoiceState::Asked => return View::Asked(invoice),
        Some(invoice) => match invoice.state {
            InvoiceState::Refused { why } => Some(why),
            InvoiceState::Issued { .. } => return View::Issued(invoice),
            InvoiceState::Asked | InvoiceState::Void => None,
        },
        None => None,
    };
    match claimable(&file.order, &file.went_back) {
        Ok(amount) => View::Claim(amount, refused),
        Err(why) => View::None(why),
    }
}

fn show(
    web: &Web,
    l: Lang,
    here: &str,
    view: View,
    typed: Typed,
    wrong: String,
) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (css, site, zone) = (ops::DRIVER_CSS, rules.site_name.as_str(), rules.zone.clone());
    let page = InvoicePage { l, css, site, zone, here, view, typed, wrong }.render()?;
    let mut response = (status, Html(page)).into_response();
    if let Ok(csp) = HeaderValue::from_str(web.assets.driver_csp()) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, csp);
    }
    Ok(response)
}

pub(super) fn desk(web: &Web) -> Result<&dyn InvoiceDesk, ApiError> {
    web.invoices.as_deref().ok_or(ApiError::NotFound)
}

fn order_of(web: &Web, token: &str) -> Result<OrderId, ApiError> {
    web.links.begun(token).map(|(order, _)| order).ok_or(ApiError::NotFound)
}

// ---- by the code of a receipt --------------------------------------------------------------------

pub(super) async fn by_code(State(web): State<Shared>, l: Lang) -> Result<Response, ApiError> {
    desk(&web)?;
    show(&web, l, "/i", View::Code, Typed::default(), String::new())
}

#[derive(Deserialize)]
pub(super) struct Code {
    code: String,
}

/// Each try counts: codes are short enough to be typed, and so to be guessed.
pub(super) async fn find(
    State(web): State<Shared>,
    l: Lang,
    source: Source,
    Form(typed): Form<Code>,
) -> Result<Response, ApiError> {
    desk(&web)?;
    let now = web.desk.now();
    let again = |wrong| {
        let typed = Typed { name: typed.code.clone(), ..Typed::default() };
        show(&web, l, "/i", View::Code, typed, wrong)
    };
    if let Err(error) = web.codes.may_try(source, now) {
        return again(error.text(l));
    }
    web.codes.count(source, now);
    match web.links.order_of_code(&typed.code) {
        Some(order) => Ok(Redirect::to(&format!("/i/{}", web.links.token(order))).into_response()),
        None => again(
            l.say("没有这个开票码，请对照小票检查", "No receipt has this code; check it")
                .to_owned(),
        ),
    }
}

// ---- one order -----------------------------------------------------------------------------------

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let file = desk(&web)?.file(order_of(&web, &token)?).await?.ok_or(ApiError::NotFound)?;
    show(&web, l, &format!("/i/{token}"), view(&file), Typed::default(), String::new())
}

/// A reload claims nothing: the answer sends the phone back to the page.
pub(super) async fn claim(
    State(web): State<Shared>,
    l: Lang,
    Path(token): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let (order, here) = (order_of(&web, &token)?, format!("/i/{token}"));
    let claimant = match typed.claimant(l) {
        Ok(claimant) => claimant,
        Err(wrong) => {
            let file = desk(&web)?.file(order).await?.ok_or(ApiError::NotFound)?;
            return show(&web, l, &here, view(&file), typed, wrong);
        }
    };
    match desk(&web)?.claim(order, claimant).await?.ok_or(ApiError::NotFound)?? {
        Ok(Answer::Invoice(invoice)) => {
            tracing::info!(%order, %invoice, "an invoice was claimed");
            Ok(Redirect::to(&here).into_response())
        }
        Ok(_) => Err(ApiError::Internal),
        Err(refusal) => {
            let file = desk(&web)?.file(order).await?.ok_or(ApiError::NotFound)?;
            show(&web, l, &here, view(&file), typed, words::refusal(l, &refusal))
        }
    }
}
