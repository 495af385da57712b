//! A plain statement anybody can write: seven columns, amounts as people write them. Knows no bank.

use std::io::BufRead;

use jiff::Timestamp;
use rust_decimal::{Decimal, prelude::ToPrimitive};

use crate::{
    bank::statement::{Row, RowError, Rows, Text, What},
    types::{Currency, Money},
};

/// The first line of such a file. `what` is `paid` or `refunded`; `amount` is in the major unit; `fee` too, or empty;
/// `at` is an instant such as `2026-11-23T08:00:00+08:00`, or empty.
pub const HEADER: &str = "what,out_trade_no,bank_no,refund_no,amount,fee,at";
/// A longer line is no row: 7 fields of at most 64 characters, and some room.
const LINE_MAX: usize = 1_024;

/// Whether a file that begins so is of this format.
pub fn is_plain(first_line: &[u8]) -> bool {
    let line = first_line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first_line);
    line.trim_ascii() == HEADER.as_bytes()
}

/// Reads the rows below the header.
pub fn plain_rows(text: Text<'_>, currency: Currency) -> Rows<'_> {
    Box::new(PlainRows { text, currency, line: 0, buffer: Vec::new() })
}

struct PlainRows<'a> {
    text: Text<'a>,
    currency: Currency,
    line: u64,
    buffer: Vec<u8>,
}

impl Iterator for PlainRows<'_> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let line = self.line;
            let wrong = |what: &str| Some(Err(RowError { line, what: what.to_owned() }));
            match self.text.read_until(b'\n', &mut self.buffer) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return wrong(&format!("the file cannot be read on: {error}")),
            }
            if self.buffer.len() > LINE_MAX {
                return wrong("it is too long");
            }
            let Ok(text) = std::str::from_utf8(&self.buffer) else { return wrong("is not UTF-8") };
            let text = text.trim_end();
            if text.is_empty() || (line == 1 && is_plain(text.as_bytes())) {
                continue;
            }
            return Some(row(text, self.currency).map_err(|what| RowError { line, what }));
        }
    }
}

fn row(text: &str, currency: Currency) -> Result<Row, String> {
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    let [what, out_trade_no, bank_no, refund_no, amount, fee, at] = fields[..] else {
        return Err(format!("has {} fields instead of 7", fields.len()));
    };
    let what = match what {
        "paid" => What::Paid,
        "refunded" => What::Refunded,
        other => return Err(format!("is neither paid nor refunded but {other:?}")),
    };
    let milli = |text: &str| {
        let unit = Decimal::from(10_i64.pow(currency.decimals() + 3));
        let milli = text.parse::<Decimal>().ok()?.checked_mul(unit)?;
        milli.fract().is_zero().then(|| milli.to_i64()).flatten()
    };
    let whole = milli(amount).filter(|milli| *milli > 0 && milli % 1_000 == 0);
    let minor = whole.ok_or_else(|| format!("has no amount above zero but {amount:?}"))? / 1_000;
    let fee_milli = match fee {
        "" => None,
        text => Some(milli(text).ok_or_else(|| format!("has no fee but {text:?}"))?),
    };
    let at = match at {
        "" => None,
        text => Some(text.parse::<Timestamp>().map_err(|_| format!("has no time but {text:?}"))?),
    };
    Ok(Row {
        what,
        out_trade_no: out_trade_no.to_owned(),
        bank_no: bank_no.to_owned(),
        refund_no: refund_no.to_owned(),
        amount: Money::new(minor, currency),
        fee_milli,
        at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<Row, RowError>> {
        plain_rows(Box::new(text.as_bytes()), Currency::Cny).collect()
    }

    #[test]
    fn rows_are_read_and_bad_ones_told_by_line() {
        let text = format!(
            "\u{feff}{HEADER}\r\npaid,PF1,42,,5.00,0.019,2026-11-23T08:00:00+08:00\n\nrefunded,PF1,,PF1R1,1.5,-0.01,\n\
             paid,PF2,,,5.001,,\nPAID,PF2,,,5,,\npaid,PF2,,,-5,,\npaid,PF2,,,5,x,\npaid,PF2,,,5\n"
        );
        let rows = read(&text);
        let row = rows[0].as_ref().unwrap();
        assert_eq!((row.amount.minor, row.fee_milli), (500, Some(1_900)));
        assert_eq!(row.at.unwrap().to_string(), "2026-11-23T00:00:00Z");
        let row = rows[1].as_ref().unwrap();
        assert_eq!((row.what, row.amount.minor), (What::Refunded, 150));
        assert_eq!((row.refund_no.as_str(), row.fee_milli), ("PF1R1", Some(-1_000)));
        let lines: Vec<u64> = rows[2..].iter().map(|row| row.as_ref().unwrap_err().line).collect();
        assert_eq!(lines, [5, 6, 7, 8, 9]);
    }

    #[test]
    fn no_text_makes_it_fail() {
        let long = "x".repeat(5_000);
        for text in ["", "\n\n", "a", &long, ",,,,,,", "paid,,,,99999999999999999999999999,,"] {
            assert!(read(text).iter().all(Result::is_err), "{text:.20}");
        }
    }
}
