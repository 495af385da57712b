//! A day's shares: whose part is how much, what banks relay of it, what is yet to be transferred and by whom it was. Decides
//! nothing.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::{Timestamp, ToSpan, civil::Date};
use serde::Deserialize;

use super::{Frame, Lang, Shared, Signed, Web, records, short};
use crate::{
    config::Partner,
    core::{
        Input,
        settle::{SettleAct, Settled, SettledDay},
    },
    http::{
        amount,
        error::ApiError,
        ports::RelayLine,
        sheet::{self, Cell, Sheet},
        words,
    },
    types::{ChannelId, Money, PartnerId},
};

const RELAYS_MAX: u32 = 300;
/// Transfers to partners are of no channel: they stand on a day of this name.
const TRANSFERS: &str = "partners";

/// One partner on the page.
struct Row {
    id: PartnerId,
    name: String,
    account: String,
    /// Of the day, in minor units.
    taken: i64,
    fee: i64,
    relayed: i64,
    transferred: i64,
    /// Of all days up to this one, and not on its way by a bank.
    due: i64,
    own: bool,
}

impl Row {
    fn share(&self) -> i64 {
        self.taken - self.fee
    }

    /// Transferred on account of the day once all that is due is.
    fn paid_in_all(&self) -> i64 {
        self.transferred + self.due.max(0)
    }
}

#[derive(Template)]
#[template(path = "shares.html", config = "src/http/askama.toml")]
struct SharesPage {
    f: Frame,
    day: Date,
    rows: Vec<Row>,
    channels: Vec<ChannelShares>,
    relays: Vec<(ChannelId, RelayLine)>,
    trail: Vec<(Timestamp, String, String)>,
    notice: Option<String>,
}

/// What one channel's takings came to.
struct ChannelShares {
    channel: ChannelId,
    shares: Vec<(String, i64)>,
    sum: i64,
}

impl SharesPage {
    fn money(&self, minor: impl std::borrow::Borrow<i64>) -> Money {
        Money::new(*minor.borrow(), self.f.currency)
    }

    fn typed(&self, minor: impl std::borrow::Borrow<i64>) -> String {
        amount::text(self.money(minor))
    }

    fn before(&self) -> Date {
        self.day.saturating_sub(1.day())
    }

    fn after(&self) -> Date {
        self.day.saturating_add(1.day())
    }

    fn state(&self, line: &RelayLine) -> &'static str {
        match line.state.as_str() {
            "done" => self.f.l.say("已分账", "given"),
            "refused" => self.f.l.say("被拒", "refused"),
            _ => self.f.l.say("等待", "waits"),
        }
    }
}

/// Every settled day up to this one.
async fn days(web: &Web, day: Date) -> Result<Vec<Settled>, ApiError> {
    let days = web.desk.read(move |state| {
        let until = state.settled.values().filter(|settled| settled.id.day <= day);
        until.filter(|s| !s.shares.is_empty() || !s.transferred.is_empty()).cloned().collect()
    });
    Ok(days.await?)
}

fn partner_rows(
    partners: &BTreeMap<PartnerId, Partner>,
    own: &PartnerId,
    days: &[Settled],
    waiting: &[(PartnerId, i64)],
    day: Date,
) -> Vec<Row> {
    let mut ids: Vec<&PartnerId> = partners.keys().collect();
    // Whoever had a part once and is in the file no more still gets what it is owed.
    for known in days.iter().flat_map(|day| &day.shares) {
        if !ids.contains(&&known.partner) {
            ids.push(&known.partner);
        }
    }
    let today = |settled: &&Settled| settled.id.day == day;
    let row = |id: &PartnerId| {
        let shares = || days.iter().filter(today).flat_map(|s| &s.shares);
        let mine = || shares().filter(|share| share.partner == *id);
        let of = |sums: fn(&Settled) -> &BTreeMap<PartnerId, i64>| -> i64 {
            days.iter().filter(today).filter_map(|s| sums(s).get(id)).sum()
        };
        let owed: i64 = days.iter().map(|settled| settled.owed_minor(id)).sum();
        let waits = waiting.iter().filter(|(partner, _)| partner == id).map(|(_, minor)| minor);
        let partner = partners.get(id);
        let account = partner.and_then(|partner| partner.account.as_ref());
        let is_own = id == own;
        Row {
            id: id.clone(),
            name: partner.map_or_else(|| id.to_string(), |partner| partner.name.clone()),
            account: account.map_or_else(String::new, crate::config::PartnerAccount::masked),
            taken: mine().map(|share| share.taken_minor).sum(),
            fee: mine().map(|share| share.fee_minor).sum(),
            relayed: of(|settled| &settled.relayed),
            transferred: of(|settled| &settled.transferred),
            due: if is_own { 0 } else { owed - waits.sum::<i64>() },
            own: is_own,
        }
    };
    ids.into_iter().map(row).collect()
}

async fn rows(web: &Web, day: Date) -> Result<(Vec<Row>, Vec<Settled>), ApiError> {
    let records = records(web)?;
    let (book, partners) = records.partners().ok_or(ApiError::NotFound)?;
    let days = days(web, day).await?;
    let waiting = records.relays_waiting().await?;
    Ok((partner_rows(partners, &book.own, &days, &waiting, day), days))
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(day): Path<Date>,
) -> Result<Response, ApiError> {
    show(&web, l, signed, day, None).await
}

async fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    day: Date,
    notice: Option<String>,
) -> Result<Response, ApiError> {
    let (rows, days) = rows(web, day).await?;
    let records = records(web)?;
    let mut channels = Vec::new();
    let (mut relays, mut trail) = (Vec::new(), Vec::new());
    let f = Frame::new(web, l, &signed);
    let name = |id: &PartnerId| {
        rows.iter().find(|row| row.id == *id).map_or_else(|| id.to_string(), |r| r.name.clone())
    };
    for settled in days.into_iter().filter(|settled| settled.id.day == day) {
        let channel = settled.id.channel.clone();
        let steps = records.settled_trail(channel.clone(), day).await?;
        trail.extend(
            steps.into_iter().map(|(at, was)| (at, was.by.clone(), step(l, &was, f.currency))),
        );
        let lines = records.relays(channel.clone(), day, RELAYS_MAX).await?;
        relays.extend(lines.into_iter().map(|line| (channel.clone(), line)));
        let shares: Vec<_> = settled.shares.iter().map(|s| (name(&s.partner), s.minor())).collect();
        if !shares.is_empty() {
            let sum = shares.iter().map(|(_, minor)| minor).sum();
            channels.push(ChannelShares { channel, shares, sum });
        }
    }
    trail.sort_by_key(|(at, ..)| *at);
    let status = if notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let page = SharesPage { f, day, rows, channels, relays, trail, notice };
    Ok((status, Html(page.render()?)).into_response())
}

/// A day as it stood after one step.
fn step(l: Lang, was: &Settled, currency: crate::types::Currency) -> String {
    let money = |minor| Money::new(minor, currency).to_string();
    let mut text = format!("{}: ", was.id.channel);
    for share in &was.shares {
        text.push_str(&format!("{} {} ", share.partner, money(share.minor())));
    }
    for (partner, minor) in &was.relayed {
        text.push_str(&format!("{} {partner} {} ", l.say("银行已分", "relayed"), money(*minor)));
    }
    for (partner, minor) in &was.transferred {
        text.push_str(&format!("{} {partner} {} ", l.say("已转账", "transferred"), money(*minor)));
    }
    text.push_str(&was.reason);
    text.trim_end().to_owned()
}

// ---- files ---------------------------------------------------------------------------------------

/// The day's shares for accountants.
pub(super) async fn download(
    State(web): State<Shared>,
    _signed: Signed,
    Path((day, file)): Path<(Date, String)>,
) -> Result<Response, ApiError> {
    let form = sheet::Form::parse(&file).ok_or(ApiError::NotFound)?;
    let currency = web.desk.rules().currency;
    let mut sheet = Sheet::new(&["day", "channel", "partner", "taken", "fee", "share", "currency"]);
    let days = days(&web, day).await?;
    for settled in days.iter().filter(|settled| settled.id.day == day) {
        for share in &settled.shares {
            let money = |minor| Cell::Number(amount::signed(Money::new(minor, currency)));
            sheet.row(&[
                Cell::Text(day.to_string()),
                Cell::Text(settled.id.channel.to_string()),
                Cell::Text(share.partner.to_string()),
                money(share.taken_minor),
                money(share.fee_minor),
                money(share.minor()),
                Cell::Text(currency.code().to_owned()),
            ]);
        }
    }
    Ok(sheet.download(form, &format!("shares-{day}")))
}

/// What is to be transferred, for the bank: a row for each partner that is owed something.
pub(super) async fn payments(
    State(web): State<Shared>,
    signed: Signed,
    Path((day, file)): Path<(Date, String)>,
) -> Result<Response, ApiError> {
    let form = sheet::Form::parse(&file).ok_or(ApiError::NotFound)?;
    let (rows, _) = rows(&web, day).await?;
    let records = records(&web)?;
    let (_, partners) = records.partners().ok_or(ApiError::NotFound)?;
    let (currency, site) = (web.desk.rules().currency, web.desk.rules().site_name.clone());
    let mut sheet = Sheet::new(&[
        "partner",
        "name",
        "account_name",
        "account_number",
        "bank",
        "amount",
        "currency",
        "purpose",
    ]);
    for row in rows.into_iter().filter(|row| row.due > 0) {
        let account = partners.get(&row.id).and_then(|partner| partner.account.clone());
        let account = account.unwrap_or_default();
        tracing::info!(operator = signed.name, partner = %row.id, account = account.masked(), "a payment file was taken");
        sheet.row(&[
            Cell::Text(row.id.to_string()),
            Cell::Text(row.name),
            Cell::Text(account.name),
            Cell::Text(account.number),
            Cell::Text(account.bank),
            Cell::Number(amount::text(Money::new(row.due, currency))),
            Cell::Text(currency.code().to_owned()),
            Cell::Text(format!("{site} {day}")),
        ]);
    }
    Ok(sheet.download(form, &format!("payments-{day}")))
}

// ---- transferred ---------------------------------------------------------------------------------

#[derive(Deserialize)]
pub(super) struct Transferred {
    /// In all on account of this day.
    amount: String,
    #[serde(default)]
    reason: String,
}

pub(super) async fn transferred(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path((day, partner)): Path<(Date, String)>,
    Form(given): Form<Transferred>,
) -> Result<Response, ApiError> {
    let partner = PartnerId::parse(&partner).ok_or(ApiError::NotFound)?;
    records(&web)?.partners().ok_or(ApiError::NotFound)?;
    let minor = amount::typed(&given.amount, web.desk.rules().currency)?;
    let channel = ChannelId::parse(TRANSFERS).ok_or(ApiError::Internal)?;
    let act = SettleAct::Transferred { partner, minor, reason: short(&given.reason)? };
    let (id, who) = (SettledDay { channel, day }, signed.name.clone());
    tracing::info!(operator = signed.name, %day, "a transfer to a partner was confirmed");
    match web.desk.tell(Input::Settle { day: id, who, act }).await? {
        Ok(_) => Ok(Redirect::to(&format!("/console/settlement/{day}/shares")).into_response()),
        Err(refusal) => {
            let text = words::refusal(l, &refusal);
            show(&web, l, signed, day, Some(text)).await
        }
    }
}
