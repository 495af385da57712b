//! The bank's file of a settlement day, read a line at a time by the names in its header. Knows no ledger and no wire.
//!
//! The platform does not publish the layout of the file, so all of it is a setting.

use std::io::{BufRead, Read};

use jiff::{Timestamp, civil::DateTime};
use serde::Deserialize;

use super::{envelope::ZONE, statement_fetch::FetchSettings};
use crate::{
    bank::statement::{Row, RowError, Rows, Text, What},
    types::{Currency, Money},
};

/// A line longer than this is not one of a statement.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// `[bank.icbc.statement]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementSettings {
    /// What stands between two fields. Default `,`; a field in double quotes may hold it.
    #[serde(default = "default_separator")]
    pub separator: String,
    /// Default `utf-8`.
    #[serde(default)]
    pub encoding: Encoding,
    /// Unit of every amount and fee. Default `yuan`.
    #[serde(default)]
    pub unit: Unit,
    /// Texts of the header, by what the column holds.
    pub columns: Columns,
    /// Words in the `kind` column for a payment and for a refund. Default: none; without that column a row with a refund's
    /// number, or with an amount below zero, is a refund.
    #[serde(default)]
    pub paid_words: Vec<String>,
    #[serde(default)]
    pub refunded_words: Vec<String>,
    /// How a time is written, in the bank's zone. Default `%Y-%m-%d %H:%M:%S`.
    #[serde(default = "default_time_format")]
    pub time_format: String,
    /// A line that begins so ends the rows (sums, remarks). Default: none.
    #[serde(default)]
    pub end_words: Vec<String>,
    /// How the file is fetched. Default: it is imported by hand.
    pub fetch: Option<FetchSettings>,
}

/// Header texts; the first two must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// Our number of the payment.
    pub out_trade_no: String,
    /// What was paid, and given back where `refund_amount` names no column of its own.
    pub amount: String,
    pub refund_amount: Option<String>,
    pub bank_no: Option<String>,
    pub refund_no: Option<String>,
    pub kind: Option<String>,
    pub fee: Option<String>,
    pub time: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    Gbk,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Fen,
    #[default]
    Yuan,
}

fn default_separator() -> String {
    ",".to_owned()
}
fn default_time_format() -> String {
    "%Y-%m-%d %H:%M:%S".to_owned()
}
impl StatementSettings {
    /// Why no statement can be read so.
    pub(super) fn wrong(&self) -> Option<String> {
        if self.separator.is_empty() || self.separator.contains(['"', '\n', '\r']) {
            return Some("separator must be a text without quotes and line ends".to_owned());
        }
        if self.columns.out_trade_no.is_empty() || self.columns.amount.is_empty() {
            return Some("columns must name out_trade_no and amount".to_owned());
        }
        let worded = !self.paid_words.is_empty() && !self.refunded_words.is_empty();
        if self.columns.kind.is_some() && !worded {
            return Some("a column kind needs paid_words and refunded_words".to_owned());
        }
        let base = self.fetch.as_ref().map_or("https://", |fetch| fetch.url.as_str());
        let http = base.starts_with("https://") || base.starts_with("http://");
        (!http).then(|| "fetch.url must be http(s)://host/path".to_owned())
    }
}

/// The rows of a statement. Lines before the header are passed over.
pub(super) fn rows(settings: StatementSettings, text: Text<'_>) -> Rows<'_> {
    Box::new(Lines { settings, text, line: 0, header: None, ended: false })
}

struct Lines<'a> {
    settings: StatementSettings,
    text: Text<'a>,
    line: u64,
    header: Option<Header>,
    ended: bool,
}

/// Where each column stands.
struct Header {
    out_trade_no: usize,
    amount: usize,
    refund_amount: Option<usize>,
    bank_no: Option<usize>,
    refund_no: Option<usize>,
    kind: Option<usize>,
    fee: Option<usize>,
    time: Option<usize>,
}

impl Header {
    /// `None`: this line is not the header.
    fn find(columns: &Columns, fields: &[String]) -> Option<Self> {
        let at = |name: &str| fields.iter().position(|field| field == name);
        // A column that is named must be there: a statement without it would be read wrongly.
        let named = |name: &Option<String>| match name {
            None => Some(None),
            Some(name) => at(name).map(Some),
        };
        Some(Self {
            out_trade_no: at(&columns.out_trade_no)?,
            amount: at(&columns.amount)?,
            refund_amount: named(&columns.refund_amount)?,
            bank_no: named(&columns.bank_no)?,
            refund_no: named(&columns.refund_no)?,
            kind: named(&columns.kind)?,
            fee: named(&columns.fee)?,
            time: named(&columns.time)?,
        })
    }
}

impl Iterator for Lines<'_> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let line = match self.read() {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.ended = true;
                    let what = "no line has the header texts of the settings".to_owned();
                    let line = self.line.max(1);
                    return self.header.is_none().then_some(Err(RowError { line, what }));
                }
                Err((what, end)) => {
                    self.ended = end;
                    return Some(Err(RowError { line: self.line, what }));
                }
            };
            let line = line.trim_end_matches(['\r', '\n']).trim_start_matches('\u{feff}');
            if line.trim().is_empty() {
                continue;
            }
            let fields = split(line, &self.settings.separator);
            let Some(header) = &self.header else {
                self.header = Header::find(&self.settings.columns, &fields);
                continue;
            };
            if self.settings.end_words.iter().any(|word| line.starts_with(word.as_str())) {
                self.ended = true;
                return None;
            }
            let row = row(&self.settings, header, &fields);
            return Some(row.map_err(|what| RowError { line: self.line, what }));
        }
        None
    }
}

impl Lines<'_> {
    /// A line as text; an error says whether the rest cannot be read either.
    fn read(&mut self) -> Result<Option<String>, (String, bool)> {
        let mut bytes = Vec::new();
        self.line += 1;
        let read = (&mut self.text).take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
        match read.map_err(|e| (e.to_string(), true))? {
            0 => return Ok(None),
            long if long as u64 == LINE_BYTES_MAX && bytes.last() != Some(&b'\n') => {
                return Err((format!("longer than {LINE_BYTES_MAX} bytes"), true));
            }
            _ => {}
        }
        match self.settings.encoding {
            Encoding::Utf8 => String::from_utf8(bytes).map(Some).map_err(|_| "not UTF-8"),
            Encoding::Gbk => {
                let text =
                    encoding_rs::GBK.decode_without_bom_handling_and_without_replacement(&bytes);
                text.map(|text| Some(text.into_owned())).ok_or("not GBK")
            }
        }
        .map_err(|what| (what.to_owned(), false))
    }
}

/// Fields without the spaces, quotes and back-ticks around them.
fn split(line: &str, separator: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        if let Some(quoted) = rest.trim_start().strip_prefix('"')
            && let Some(end) = quoted.find('"')
            && let Some(after) = quoted.get(end + 1..)
            && (after.trim().is_empty() || after.trim_start().starts_with(separator))
        {
            fields.push(quoted[..end].trim().to_owned());
            match after.trim_start().strip_prefix(separator) {
                Some(after) => rest = after,
                None => return fields,
            }
            continue;
        }
        let plain = |text: &str| text.trim().trim_start_matches('`').trim().to_owned();
        let Some((field, after)) = rest.split_once(separator) else {
            fields.push(plain(rest));
            return fields;
        };
        fields.push(plain(field));
        rest = after;
    }
}

fn row(settings: &StatementSettings, header: &Header, fields: &[String]) -> Result<Row, String> {
    let field = |at: usize| {
        fields.get(at).map(String::as_str).ok_or_else(|| format!("{} fields only", fields.len()))
    };
    let optional = |at: Option<usize>| at.map_or(Ok(""), field);
    let out_trade_no = field(header.out_trade_no)?;
    if out_trade_no.is_empty() {
        return Err("it names no payment".to_owned());
    }
    let refund_no = optional(header.refund_no)?;
    let amount = field(header.amount)?;
    let kind = optional(header.kind)?;
    let among = |words: &[String]| words.iter().any(|word| word == kind);
    let what = match header.kind {
        Some(_) if among(&settings.paid_words) => What::Paid,
        Some(_) if among(&settings.refunded_words) => What::Refunded,
        Some(_) => return Err(format!("{kind:?} is neither a payment nor a refund")),
        None if !refund_no.is_empty() || amount.starts_with('-') => What::Refunded,
        None => What::Paid,
    };
    let amount = match (what, header.refund_amount) {
        (What::Refunded, Some(at)) => field(at)?,
        _ => amount,
    };
    let milli = milli(amount.trim_start_matches('-'), settings.unit)?;
    if milli <= 0 || milli % 1000 != 0 {
        return Err(format!("{amount:?} is not an amount of whole fen above zero"));
    }
    let fee = optional(header.fee)?;
    let fee_milli = match fee {
        "" => None,
        fee => Some(self::milli(fee, settings.unit)?),
    };
    Ok(Row {
        what,
        out_trade_no: out_trade_no.to_owned(),
        bank_no: optional(header.bank_no)?.to_owned(),
        refund_no: if what == What::Refunded { refund_no.to_owned() } else { String::new() },
        amount: Money::new(milli / 1000, Currency::Cny),
        fee_milli,
        at: time(optional(header.time)?, &settings.time_format),
    })
}

/// Thousandths of a fen, without a rounding: more places than that are an error unless they are zeros.
fn milli(text: &str, unit: Unit) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not an amount");
    let places = match unit {
        Unit::Fen => 3,
        Unit::Yuan => 5,
    };
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let part = part
        .get(places..)
        .filter(|tail| tail.bytes().all(|b| b == b'0'))
        .map_or(part, |_| &part[..places]);
    if !plain(whole) || !plain(part) || whole.len() > 13 || part.len() > places {
        return Err(wrong());
    }
    let milli: i64 = format!("{whole}{part:0<places$}").parse().map_err(|_| wrong())?;
    Ok(if negative { -milli } else { milli })
}

/// `None` for a time that cannot be read: it is for people only.
fn time(text: &str, format: &str) -> Option<Timestamp> {
    let civil = DateTime::strptime(format, text).ok()?;
    ZONE.to_timestamp(civil).ok()
}

#[cfg(test)]
#[path = "statement_tests.rs"]
mod tests;
