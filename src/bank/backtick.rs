//! Statements as text with a header of names and a backtick before each value, as WeChat's and those of gateways that
//! copied it: read row by row, by the names, since where a column stands differs. Knows no wire and no ledger.
//!
//! ```text
//! 交易时间,...,商户订单号,...        header
//! `2026-11-23 10:15:00,`...,`LS1,    one payment or refund a line, amounts in yuan
//! 总交易单数,...                     header of the sum, then the sum: without it the file is broken off
//! ```
//!
//! Names of goods hold commas, so a line is cut at a comma and a backtick.

use std::io::{BufRead, Read};

use jiff::{Timestamp, civil::DateTime, tz::Offset};

use super::statement::{Row, RowError, Text, What};
use crate::types::{Currency, Money};

pub(super) const LINE_BYTES_MAX: usize = 64 * 1024;
/// The sum's first name.
const SUM: &str = "总交易单数";

/// What the banks call differently.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    pub(super) total: &'static str,
    pub(super) bank_no: &'static str,
    pub(super) sub_merchant: &'static str,
}

/// How one channel's statements are read.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) names: &'static Names,
    /// Rows of others are wrong; `None`: the statement is of several.
    pub(super) mch_id: Option<String>,
    /// 交易状态 of a payment, and of money given back.
    pub(super) paid_states: Vec<String>,
    pub(super) refund_states: Vec<String>,
    /// 退款状态 of a refund that reached nobody.
    pub(super) failed_states: Vec<String>,
    pub(super) zone: Offset,
}

/// Reads a statement one line at a time.
pub(super) fn rows(reading: Reading, text: Text<'_>) -> Lines<'_> {
    Lines { text, number: 0, columns: None, part: Part::Head, waiting: None, reading }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Head,
    Body,
    /// The sum's header was read.
    Sum,
    Over,
}

/// The rows of a statement.
pub(super) struct Lines<'a> {
    text: Text<'a>,
    number: u64,
    columns: Option<Columns>,
    part: Part,
    /// The refund that stood on the same line as its payment.
    waiting: Option<Row>,
    reading: Reading,
}

/// Where the columns stand.
struct Columns {
    count: usize,
    out_trade_no: usize,
    total: usize,
    state: usize,
    bank_no: Option<usize>,
    merchant: Option<usize>,
    sub_merchant: Option<usize>,
    at: Option<usize>,
    refund_no: Option<usize>,
    refund: Option<usize>,
    refund_state: Option<usize>,
    fee: Option<usize>,
}

impl Columns {
    fn find(header: &str, called: &Names) -> Result<Self, String> {
        let names: Vec<&str> =
            header.split(',').map(|name| name.trim().trim_matches('`')).collect();
        let find = |name: &str| names.iter().position(|known| *known == name);
        let need = |name: &str| find(name).ok_or(format!("the header has no column {name}"));
        Ok(Self {
            count: names.len(),
            out_trade_no: need("商户订单号")?,
            total: need(called.total)?,
            state: need("交易状态")?,
            bank_no: find(called.bank_no),
            merchant: find("商户号"),
            sub_merchant: find(called.sub_merchant),
            at: find("交易时间"),
            refund_no: find("商户退款单号"),
            refund: find("退款金额"),
            refund_state: find("退款状态"),
            fee: find("手续费"),
        })
    }
}

impl Iterator for Lines<'_> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.waiting.take() {
            return Some(Ok(row));
        }
        loop {
            if self.part == Part::Over {
                return None;
            }
            let line = match self.line() {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.part = Part::Over;
                    return Some(self.wrong("it is broken off: the sum is missing".to_owned()));
                }
                Err(what) => {
                    self.part = Part::Over;
                    return Some(self.wrong(what));
                }
            };
            match self.take(line.trim_end_matches(['\r', '\n'])) {
                Ok(Some(row)) => return Some(Ok(row)),
                Ok(None) => {}
                Err(what) => return Some(self.wrong(what)),
            }
        }
    }
}

impl Lines<'_> {
    fn wrong(&self, what: String) -> Result<Row, RowError> {
        Err(RowError { line: self.number, what })
    }

    fn line(&mut self) -> Result<Option<String>, String> {
        let mut bytes = Vec::new();
        let mut text = (&mut self.text).take(LINE_BYTES_MAX as u64 + 1);
        let read = text.read_until(b'\n', &mut bytes);
        self.number += 1;
        match read {
            Err(e) => Err(format!("it cannot be read: {e}")),
            Ok(0) => Ok(None),
            Ok(_) if bytes.len() > LINE_BYTES_MAX => {
                Err(format!("longer than {LINE_BYTES_MAX} bytes: this is no statement"))
            }
            Ok(_) => match String::from_utf8(bytes) {
                Ok(line) => Ok(Some(line)),
                Err(_) => Err("not UTF-8: save the file as UTF-8".to_owned()),
            },
        }
    }

    fn take(&mut self, line: &str) -> Result<Option<Row>, String> {
        let line = line.trim_start_matches('\u{feff}');
        if line.trim().is_empty() {
            return Ok(None);
        }
        match self.part {
            Part::Head => {
                let columns = Columns::find(line, self.reading.names);
                self.part = if columns.is_ok() { Part::Body } else { Part::Over };
                self.columns = Some(columns?);
                Ok(None)
            }
            Part::Body if line.trim_start_matches('`').starts_with(SUM) => {
                self.part = Part::Sum;
                Ok(None)
            }
            Part::Body => self.row(line),
            Part::Sum | Part::Over => {
                self.part = Part::Over;
                Ok(None)
            }
        }
    }

    /// The payment or refund of a line; of both, the refund waits.
    fn row(&mut self, line: &str) -> Result<Option<Row>, String> {
        let Some(columns) = &self.columns else { return Ok(None) };
        let values: Vec<&str> = line
            .strip_prefix('`')
            .ok_or("it does not begin with a backtick")?
            .split(",`")
            .collect();
        if values.len() != columns.count {
            return Err(format!("{} values under {} names", values.len(), columns.count));
        }
        let value = |at: usize| values.get(at).copied().unwrap_or_default().trim();
        let maybe = |at: Option<usize>| at.map_or("", value);
        let merchants = [maybe(columns.merchant), maybe(columns.sub_merchant)];
        if let Some(ours) = self.reading.mch_id.as_deref().filter(|ours| !merchants.contains(ours))
        {
            return Err(format!("it is of merchant {merchants:?}, not of {ours}"));
        }
        let state = value(columns.state);
        let has = |states: &[String]| states.iter().any(|known| known == state);
        let (is_paid, is_refund) =
            (has(&self.reading.paid_states), has(&self.reading.refund_states));
        if !is_paid && !is_refund {
            return Err(format!("交易状态 {state:?} is neither a payment nor a refund"));
        }
        let refund = maybe(columns.refund);
        let refunded = if refund.is_empty() { 0 } else { fen(refund)? };
        let fee_milli = match maybe(columns.fee) {
            "" => None,
            fee => Some(milli(fee)?),
        };
        let row = |what, minor: i64, fee_milli| Row {
            what,
            out_trade_no: value(columns.out_trade_no).to_owned(),
            bank_no: maybe(columns.bank_no).to_owned(),
            refund_no: match what {
                What::Paid => String::new(),
                What::Refunded => maybe(columns.refund_no).to_owned(),
            },
            amount: Money::new(minor, Currency::Cny),
            fee_milli,
            at: time(maybe(columns.at), self.reading.zone),
        };
        let failed = &self.reading.failed_states;
        let nothing_back = failed.iter().any(|known| known == maybe(columns.refund_state));
        if is_refund {
            // A reversal may leave the refund's columns empty: then all of it went back.
            let back = if refunded == 0 { fen(value(columns.total))? } else { refunded };
            let given = (!nothing_back).then(|| row(What::Refunded, back.abs(), fee_milli));
            return above_zero(given);
        }
        if refunded != 0 && !nothing_back {
            self.waiting = Some(row(What::Refunded, refunded.abs(), None));
        }
        above_zero(Some(row(What::Paid, fen(value(columns.total))?, fee_milli)))
    }
}

fn above_zero(row: Option<Row>) -> Result<Option<Row>, String> {
    match row {
        Some(row) if row.amount.minor <= 0 => {
            Err(format!("the amount {} is not above zero", row.amount))
        }
        Some(row) if row.out_trade_no.is_empty() => Err("it names no 商户订单号".to_owned()),
        row => Ok(row),
    }
}

/// Yuan as whole fen; a part of a fen is an error.
pub(super) fn fen(text: &str) -> Result<i64, String> {
    let milli = milli(text)?;
    if milli % 1_000 == 0 {
        Ok(milli / 1_000)
    } else {
        Err(format!("{text:?} has a part of a fen"))
    }
}

/// Yuan with up to five decimals as thousandths of a fen.
pub(super) fn milli(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not an amount in yuan");
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let dotted = digits.contains('.') && part.is_empty();
    if whole.is_empty()
        || whole.len() > 12
        || part.len() > 5
        || dotted
        || !plain(whole)
        || !plain(part)
    {
        return Err(wrong());
    }
    format!("{whole}{part:0<5}").parse::<i64>().map(|milli| sign * milli).map_err(|_| wrong())
}

/// `yyyy-MM-dd HH:mm:ss` or `yyyyMMddHHmmss` in the bank's zone; for the books only.
fn time(text: &str, zone: Offset) -> Option<Timestamp> {
    let civil = DateTime::strptime("%Y-%m-%d %H:%M:%S", text)
        .or_else(|_| DateTime::strptime("%Y%m%d%H%M%S", text));
    zone.to_timestamp(civil.ok()?).ok()
}
