//! What merchants owe for what they gave, month by month: on the console, and for the merchant itself. Gives no validation
//! and counts no budget.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::Deserialize;

use super::{
    amount,
    console::Frame,
    error::ApiError,
    merchant::AtShop,
    operate::REASON_CHARS_MAX,
    ports::BillLine,
    router::{Shared, Web},
    sheet::{self, Cell, Sheet},
    signin::Signed,
    words::{self, Lang},
};
use crate::{
    core::{
        Input,
        till::{Merchant, MerchantAct},
    },
    types::{MerchantId, Money},
};

/// Lines of one month: more than any shop gives.
const LINES_MAX: u32 = 50_000;
/// Lines shown on the page; the file has all.
const SHOWN_MAX: usize = 200;

/// This month and the one before.
pub(super) fn months(now: Timestamp, zone: &TimeZone) -> [String; 2] {
    let first = zone.to_datetime(now).date().first_of_month();
    [first, first.saturating_sub(1.month())].map(|day| day.strftime("%Y-%m").to_string())
}

/// `2026-11` by the site's calendar.
fn bounds(month: &str, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let first: Date = format!("{month}-01").parse().ok()?;
    let at = |day: Date| zone.to_timestamp(day.at(0, 0, 0, 0)).ok();
    Some((at(first)?, at(first.checked_add(1.month()).ok()?)?))
}

/// One merchant's month.
struct Bill {
    before: i64,
    lines: Vec<BillLine>,
}

impl Bill {
    /// What it gave and owes for.
    fn given(&self) -> i64 {
        self.lines.iter().filter(|l| l.validation.is_some() && !l.on_site).map(|l| l.minor).sum()
    }

    fn on_site(&self) -> i64 {
        self.lines.iter().filter(|line| line.on_site).map(|line| line.minor).sum()
    }

    fn paid(&self) -> i64 {
        self.lines.iter().filter(|line| line.validation.is_none()).map(|line| -line.minor).sum()
    }

    fn after(&self) -> i64 {
        self.before + self.given() - self.paid()
    }
}

async fn bill(web: &Web, merchant: MerchantId, month: &str) -> Result<Bill, ApiError> {
    let span = bounds(month, &web.desk.rules().zone).ok_or(ApiError::NotFound)?;
    let (before, lines) = web.till.merchant_bill(merchant, span, LINES_MAX).await?;
    Ok(Bill { before, lines })
}

async fn merchant(web: &Web, id: MerchantId) -> Result<Merchant, ApiError> {
    let found = web.desk.read(move |state| state.merchants.get(&id).cloned()).await?;
    found.ok_or(ApiError::NotFound)
}

// ---- the page ------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "merchant-bill.html", config = "src/http/askama.toml")]
struct BillPage {
    f: Frame,
    one: Merchant,
    month: String,
    months: [String; 2],
    bill: Bill,
    notice: Option<String>,
}

impl BillPage {
    fn money(&self, minor: impl std::borrow::Borrow<i64>) -> Money {
        Money::new(*minor.borrow(), self.f.currency)
    }

    fn shown(&self) -> &[BillLine] {
        &self.bill.lines[..self.bill.lines.len().min(SHOWN_MAX)]
    }

    fn typed(&self) -> String {
        amount::text(self.money(self.bill.after().max(0)))
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    month: Option<String>,
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    show(&web, l, signed, MerchantId(id), asked.month, None).await
}

async fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    id: MerchantId,
    month: Option<String>,
    notice: Option<String>,
) -> Result<Response, ApiError> {
    let months = months(web.desk.now(), &web.desk.rules().zone);
    let month = month.unwrap_or_else(|| months[0].clone());
    let (one, bill) = (merchant(web, id).await?, bill(web, id, &month).await?);
    let status = if notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let f = Frame::new(web, l, &signed);
    Ok((status, Html(BillPage { f, one, month, months, bill, notice }.render()?)).into_response())
}

#[derive(Deserialize)]
pub(super) struct Paid {
    amount: String,
    #[serde(default)]
    reason: String,
}

/// A person has seen the merchant's transfer.
pub(super) async fn paid(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(given): Form<Paid>,
) -> Result<Response, ApiError> {
    let id = MerchantId(id);
    let minor = amount::typed(&given.amount, web.desk.rules().currency)?;
    if given.reason.chars().count() > REASON_CHARS_MAX {
        let (zh, en) = ("原因请不超过 200 字。", "A reason has at most 200 characters.");
        return Err(ApiError::Unfit(zh, en));
    }
    tell(&web, l, signed, id, MerchantAct::Paid { id, minor, reason: given.reason }).await
}

#[derive(Deserialize)]
pub(super) struct Bears {
    on_site: bool,
}

pub(super) async fn bear(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(Bears { on_site }): Form<Bears>,
) -> Result<Response, ApiError> {
    let id = MerchantId(id);
    tell(&web, l, signed, id, MerchantAct::Bear { id, on_site }).await
}

async fn tell(
    web: &Web,
    l: Lang,
    signed: Signed,
    id: MerchantId,
    act: MerchantAct,
) -> Result<Response, ApiError> {
    let who = signed.name.clone();
    match web.desk.tell(Input::Merchant { who, act }).await? {
        Ok(_) => Ok(Redirect::to(&format!("/console/merchants/{id}/bill")).into_response()),
        Err(refusal) => {
            let text = words::refusal(l, &refusal);
            show(web, l, signed, id, None, Some(text)).await
        }
    }
}

// ---- files ---------------------------------------------------------------------------------------

pub(super) async fn file(
    State(web): State<Shared>,
    _signed: Signed,
    Path((id, month, file)): Path<(i64, String, String)>,
) -> Result<Response, ApiError> {
    sheet_of(&web, MerchantId(id), &month, &file).await
}

/// For the merchant: its own, and no other's.
pub(super) async fn own_file(
    State(web): State<Shared>,
    AtShop(user): AtShop,
    Path((month, file)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    sheet_of(&web, user.merchant, &month, &file).await
}

async fn sheet_of(
    web: &Web,
    id: MerchantId,
    month: &str,
    file: &str,
) -> Result<Response, ApiError> {
    let form = sheet::Form::parse(file).ok_or(ApiError::NotFound)?;
    let (bill, rules) = (bill(web, id, month).await?, web.desk.rules());
    let money = |minor| Cell::Number(amount::signed(Money::new(minor, rules.currency)));
    let mut sheet =
        Sheet::new(&["at", "what", "validation", "offer", "by", "amount", "owed", "currency"]);
    let text = |text: &str| Cell::Text(text.to_owned());
    let currency = || Cell::Text(rules.currency.code().to_owned());
    let mut owed = bill.before;
    let nothing = || Cell::Nothing;
    sheet.row(&[
        text(month),
        text("brought forward"),
        nothing(),
        nothing(),
        nothing(),
        nothing(),
        money(owed),
        currency(),
    ]);
    for line in &bill.lines {
        owed += if line.on_site { 0 } else { line.minor };
        let what = match (line.validation, line.on_site) {
            (None, _) => "paid",
            (Some(_), true) => "borne by the site",
            (Some(_), false) => "given",
        };
        sheet.row(&[
            Cell::Text(rules.zone.to_datetime(line.at).to_string()),
            text(what),
            line.validation.map_or(Cell::Nothing, |id| Cell::Number(id.to_string())),
            text(&line.offer),
            text(&line.by),
            money(line.minor),
            money(owed),
            currency(),
        ]);
    }
    Ok(sheet.download(form, &format!("merchant-{id}-{month}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_the_sites_own() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let (from, to) = bounds("2026-12", &zone).unwrap();
        assert_eq!(from.to_string(), "2026-11-30T16:00:00Z");
        assert_eq!(to.to_string(), "2026-12-31T16:00:00Z");
        for odd in ["2026-13", "2026", "", "2026-1", "../x"] {
            assert_eq!(bounds(odd, &zone), None, "{odd}");
        }
        assert_eq!(months(from, &zone), ["2026-12", "2026-11"]);
    }

    #[test]
    fn a_bill_adds_up() {
        let line = |minor, validation, on_site| BillLine {
            at: Timestamp::UNIX_EPOCH,
            minor,
            on_site,
            validation,
            offer: String::new(),
            by: String::new(),
        };
        let lines = vec![
            line(500, Some(1), false),
            line(300, Some(2), true),
            line(-700, None, false),
            line(200, Some(3), false),
        ];
        let bill = Bill { before: 900, lines };
        assert_eq!((bill.given(), bill.on_site(), bill.paid(), bill.after()), (700, 300, 700, 900));
    }
}
