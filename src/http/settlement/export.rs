//! A day's postings and differences, to take away. Decides nothing.

use axum::{
    extract::{Path, State},
    response::Response,
};
use jiff::civil::Date;

use super::{Shared, Signed, records};
use crate::{
    http::{
        amount,
        error::ApiError,
        sheet::{Cell, Form, Sheet},
    },
    types::{CounterId, Money, PartnerId, ZoneId},
};

/// Lines fetched at once.
const LINES_STEP: u32 = 1_000;
/// Transactions of a file at most; what is beyond stands in the next hours of the same ledger, and is told.
const LINES_MAX: usize = 200_000;

/// The ledger's lines of a day: a debit is positive, a credit negative.
pub(in crate::http) async fn postings(
    State(web): State<Shared>,
    _signed: Signed,
    Path((day, file)): Path<(Date, String)>,
) -> Result<Response, ApiError> {
    let form = Form::parse(&file).ok_or(ApiError::NotFound)?;
    let (records, rules) = (records(&web)?, web.desk.rules());
    let (from, to) = rules.settle.bounds(day, &rules.zone).ok_or(ApiError::NotFound)?;
    let mut sheet = Sheet::new(&[
        "txn", "at", "account", "amount", "currency", "payment", "refund", "cash", "shift", "pass",
        "settled", "order", "counter", "product", "zone", "merchant", "partner",
    ]);
    let (mut after, mut lines) = (0, 0);
    loop {
        let postings = records.postings(from, to, after, LINES_STEP).await?;
        let Some(last) = postings.last() else { break };
        after = last.txn;
        lines += postings.len();
        if lines > LINES_MAX {
            let (zh, en) =
                ("当日分录过多，请用数据库工具导出。", "The day has too many lines for a sheet.");
            return Err(ApiError::Unfit(zh, en));
        }
        for p in &postings {
            let id = |id: Option<i64>| id.map_or(Cell::Nothing, |id| Cell::Number(id.to_string()));
            let text = amount::text(p.amount);
            let named =
                |name: Option<&str>| name.map_or(Cell::Nothing, |name| Cell::Text(name.to_owned()));
            let products: Vec<&str> = p.products.keys().map(String::as_str).collect();
            let products = Some(products.join(" ")).filter(|names| !names.is_empty());
            let product = products.or_else(|| p.product.clone());
            for (account, dash) in [(p.debit, ""), (p.credit, "-")] {
                sheet.row(&[
                    Cell::Number(p.txn.to_string()),
                    Cell::Text(rules.zone.to_datetime(p.at).to_string()),
                    Cell::Text(account.name().to_owned()),
                    Cell::Number(format!("{dash}{text}")),
                    Cell::Text(p.amount.currency.code().to_owned()),
                    id(p.payment.map(|id| id.0)),
                    id(p.refund.map(|id| id.0)),
                    id(p.cash.map(|id| id.0)),
                    id(p.shift.map(|id| id.0)),
                    id(p.pass.map(|id| id.0)),
                    p.settled.as_ref().map_or(Cell::Nothing, |day| Cell::Text(day.to_string())),
                    id(p.order.map(|id| id.0)),
                    named(p.counter.as_ref().map(CounterId::as_str)),
                    named(product.as_deref()),
                    named(p.zone.as_ref().map(ZoneId::as_str)),
                    id(p.merchant.map(|id| id.0)),
                    named(p.partner.as_ref().map(PartnerId::as_str)),
                ]);
            }
        }
    }
    Ok(sheet.download(form, &format!("postings-{day}")))
}

/// The differences of a day in any state.
pub(in crate::http) async fn differences(
    State(web): State<Shared>,
    _signed: Signed,
    Path((day, file)): Path<(Date, String)>,
) -> Result<Response, ApiError> {
    let form = Form::parse(&file).ok_or(ApiError::NotFound)?;
    let (records, currency) = (records(&web)?, web.desk.rules().currency);
    let all = records.differences(day, day, false, LINES_MAX as u32).await?;
    let mut sheet = Sheet::new(&[
        "id",
        "channel",
        "day",
        "kind",
        "side",
        "out_trade_no",
        "refund_no",
        "bank_no",
        "ours",
        "theirs",
        "currency",
        "state",
        "by",
        "note",
        "detail",
    ]);
    for one in all {
        let money = |minor: Option<i64>| {
            let text = |minor| Cell::Number(amount::text(Money::new(minor, currency)));
            minor.map_or(Cell::Nothing, text)
        };
        let finding = one.finding;
        sheet.row(&[
            Cell::Number(one.id.to_string()),
            Cell::Text(one.channel.to_string()),
            Cell::Text(one.day.to_string()),
            Cell::Text(finding.kind.name().to_owned()),
            Cell::Text(finding.side.name().to_owned()),
            Cell::Text(finding.out_trade_no),
            Cell::Text(finding.refund_no),
            Cell::Text(finding.bank_no),
            money(finding.ours_minor),
            money(finding.theirs_minor),
            Cell::Text(currency.code().to_owned()),
            Cell::Text(one.state.name().to_owned()),
            Cell::Text(one.changed_by),
            Cell::Text(one.note),
            Cell::Text(finding.detail),
        ]);
    }
    Ok(sheet.download(form, &format!("differences-{day}")))
}
