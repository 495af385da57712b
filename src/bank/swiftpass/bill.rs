//! The gateway's statements: fetched into a file, and read row by row by the names in their header. Knows no ledger.
//!
//! ```text
//! 交易时间,...,商户订单号,...        header; where a column stands is not published, so names count, not places
//! `2026-11-23 10:15:00,`...,`LS1,    one payment or refund a line, a backtick before each value, amounts in yuan
//! 总交易单数,...                     header of the sum, then the sum: without it the file is broken off
//! ```
//!
//! Names of goods hold commas, so a line is cut at a comma and a backtick.

use std::{
    io::{BufRead, Read},
    path::Path,
    time::Duration,
};

use jiff::{Timestamp, civil::Date, civil::DateTime};

use super::{
    seal,
    settings::SwiftpassSettings,
    sign::Keys,
    trade::ZONE,
    xml::{self, Values},
};
use crate::{
    bank::{
        settings::SettingsError,
        statement::{Row, RowError, StatementError, Text, What},
        transport::Transport,
    },
    types::{Currency, Money},
};

/// A body below this is a word about the statement, not the statement: its two headers alone are longer.
const BYTES_MIN: u64 = 100;
const LINE_BYTES_MAX: usize = 64 * 1024;
/// The sum's first name.
const SUM: &str = "总交易单数";

/// The way to the download host.
#[derive(Clone, Debug)]
pub(super) struct Download {
    url: String,
    transport: Transport,
}

impl Download {
    pub(super) fn open(settings: &SwiftpassSettings, url: &str) -> Result<Self, SettingsError> {
        let transport = Transport::open(&settings.transport(url)).map_err(|e| {
            let field = if e.field == "base_url" { "bill_url" } else { e.field };
            SettingsError::new(field, e.what)
        })?;
        Ok(Self { url: url.to_owned(), transport })
    }
}

/// Fetches the statement of a day: first beside `into`, so that a broken download leaves nothing under its name.
pub(super) async fn fetch(
    settings: &SwiftpassSettings,
    keys: &Keys,
    download: Option<&Download>,
    day: Date,
    into: &Path,
) -> Result<(), StatementError> {
    let download = download.ok_or(StatementError::NotOffered)?;
    let text = seal(keys, values(settings, day)).map_err(StatementError::Failed)?;
    let mut part = into.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let within = Duration::from_secs(settings.bill_timeout_s);
    let bytes_max = settings.bill_mib_max.saturating_mul(1024 * 1024);
    let got = download.transport.post_xml_into(&download.url, text, within, bytes_max, part).await;
    let kept = match got {
        Ok(bytes) => accept(part, bytes),
        Err(e) => Err(StatementError::Failed(e.to_string())),
    };
    let kept = kept.and_then(|()| {
        let disk = |e| StatementError::Failed(format!("{}: {e}", into.display()));
        std::fs::rename(part, into).map_err(disk)
    });
    if kept.is_err() {
        let _ = std::fs::remove_file(part);
    }
    kept
}

fn values(settings: &SwiftpassSettings, day: Date) -> Values {
    [
        ("service", settings.bill_service.as_str()),
        ("version", "1.0"),
        ("charset", "UTF-8"),
        ("sign_type", settings.sign_type.code()),
        ("mch_id", &settings.mch_id),
        ("bill_date", &day.strftime("%Y%m%d").to_string()),
        ("bill_type", "ALL"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Whether the file is a statement; a short text or an XML answer says why there is none.
fn accept(file: &Path, bytes: u64) -> Result<(), StatementError> {
    let mut head = Vec::new();
    let read = std::fs::File::open(file).and_then(|file| file.take(4_096).read_to_end(&mut head));
    read.map_err(|e| StatementError::Failed(format!("{}: {e}", file.display())))?;
    let head = String::from_utf8_lossy(&head);
    let head = head.trim_start_matches('\u{feff}').trim();
    if head.starts_with('<') {
        let said = xml::read(head).unwrap_or_default();
        let told = |name| said.get(name).map_or("", String::as_str);
        let why = format!("{} {} {}", told("message"), told("err_code"), told("err_msg"));
        return Err(StatementError::NotReady(why.trim().chars().take(200).collect()));
    }
    if bytes < BYTES_MIN {
        return Err(StatementError::NotReady(head.to_owned()));
    }
    Ok(())
}

/// Reads a statement one line at a time.
pub(super) fn rows<'a>(settings: &SwiftpassSettings, text: Text<'a>) -> Lines<'a> {
    Lines {
        text,
        number: 0,
        columns: None,
        part: Part::Head,
        waiting: None,
        // Statements of several merchants name others too.
        mch_id: (settings.bill_service == "pay.bill.merchant").then(|| settings.mch_id.clone()),
        paid_states: settings.bill_paid_states.clone(),
        refund_states: settings.bill_refund_states.clone(),
        failed_states: settings.refund_failed_states.clone(),
    }
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
    mch_id: Option<String>,
    paid_states: Vec<String>,
    refund_states: Vec<String>,
    failed_states: Vec<String>,
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
    fn find(header: &str) -> Result<Self, String> {
        let names: Vec<&str> =
            header.split(',').map(|name| name.trim().trim_matches('`')).collect();
        let find = |name: &str| names.iter().position(|known| *known == name);
        let need = |name: &str| find(name).ok_or(format!("the header has no column {name}"));
        Ok(Self {
            count: names.len(),
            out_trade_no: need("商户订单号")?,
            total: need("总金额")?,
            state: need("交易状态")?,
            bank_no: find("平台订单号"),
            merchant: find("商户号"),
            sub_merchant: find("子商户号"),
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
                let columns = Columns::find(line);
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
        if let Some(ours) = self.mch_id.as_deref().filter(|ours| !merchants.contains(ours)) {
            return Err(format!("it is of merchant {merchants:?}, not of {ours}"));
        }
        let state = value(columns.state);
        let has = |states: &[String]| states.iter().any(|known| known == state);
        let (is_paid, is_refund) = (has(&self.paid_states), has(&self.refund_states));
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
            at: time(maybe(columns.at)),
        };
        let nothing_back =
            self.failed_states.iter().any(|known| known == maybe(columns.refund_state));
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
fn fen(text: &str) -> Result<i64, String> {
    let milli = milli(text)?;
    if milli % 1_000 == 0 {
        Ok(milli / 1_000)
    } else {
        Err(format!("{text:?} has a part of a fen"))
    }
}

/// Yuan with up to five decimals as thousandths of a fen.
fn milli(text: &str) -> Result<i64, String> {
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
fn time(text: &str) -> Option<Timestamp> {
    let civil = DateTime::strptime("%Y-%m-%d %H:%M:%S", text)
        .or_else(|_| DateTime::strptime("%Y%m%d%H%M%S", text));
    ZONE.to_timestamp(civil.ok()?).ok()
}

#[cfg(test)]
#[path = "bill_tests.rs"]
mod tests;
