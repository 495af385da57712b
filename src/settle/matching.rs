//! Two sorted sides walked together: what fits is counted, what does not is handed on. Knows no table and no bank.
//!
//! A record is fields between tabs, sorted by its bytes: side (`P` or `R`), number, minor units, payment number, bank's
//! number, and of the statement's the line. A tab sorts before every letter, so the order of records is that of numbers.

use std::io;

use super::sort::{Sorted, Sorter};
use crate::{
    bank::statement::{Row, What},
    core::settle::{Finding, Kind, Side},
};

/// A record taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub side: Side,
    pub number: String,
    pub minor: i64,
    pub out_trade_no: String,
    pub bank_no: String,
    /// Of the statement; 0 of ours.
    pub line: u64,
}

impl Record {
    /// `None`: it is no record.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = std::str::from_utf8(bytes).ok()?.split('\t');
        let side = match fields.next()? {
            "P" => Side::Paid,
            "R" => Side::Refunded,
            _ => return None,
        };
        Some(Self {
            side,
            number: fields.next()?.to_owned(),
            minor: fields.next()?.parse().ok()?,
            out_trade_no: fields.next()?.to_owned(),
            bank_no: fields.next()?.to_owned(),
            line: fields.next().map_or(Some(0), |line| line.parse().ok())?,
        })
    }

    pub(super) fn finding(self, kind: Kind, ours: Option<i64>, detail: String) -> Finding {
        let refund_no = match self.side {
            Side::Refunded if !self.number.starts_with('~') => self.number.clone(),
            Side::Refunded | Side::Paid => String::new(),
        };
        let theirs_minor = (self.line > 0).then_some(self.minor);
        Finding {
            kind,
            side: self.side,
            number: self.number,
            out_trade_no: self.out_trade_no,
            refund_no,
            bank_no: self.bank_no,
            ours_minor: ours,
            theirs_minor,
            detail,
        }
    }
}

/// What became of the next record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Met {
    /// Both sides say the same.
    Fits,
    /// Both have it and it differs.
    Differs(Finding),
    /// A row of the statement that is no posting of this day.
    Stranger(Record),
    /// The statement has this number once more.
    Again(Record),
    /// A posting that is not in the statement.
    Missing(Record),
}

impl Record {
    /// As it is sorted.
    fn write(&self, into: &mut Vec<u8>) {
        use std::io::Write;
        let Self { number, minor, out_trade_no, bank_no, line, .. } = self;
        into.push(if self.side == Side::Paid { b'P' } else { b'R' });
        // A vector takes everything.
        let _ = write!(into, "\t{number}\t{minor}\t{out_trade_no}\t{bank_no}");
        if *line > 0 {
            let _ = write!(into, "\t{line}");
        }
    }

    /// A row of a statement; its line counts from 1.
    pub(super) fn of(row: &Row, line: u64) -> Self {
        let (side, number) = match row.what {
            What::Paid => (Side::Paid, row.out_trade_no.clone()),
            // The bank names the payment alone.
            What::Refunded if row.refund_no.is_empty() => {
                (Side::Refunded, format!("~{}", row.out_trade_no))
            }
            What::Refunded => (Side::Refunded, row.refund_no.clone()),
        };
        let (out_trade_no, bank_no) = (row.out_trade_no.clone(), row.bank_no.clone());
        Self { side, number, minor: row.amount.minor, out_trade_no, bank_no, line }
    }

    pub(super) fn put_into(&self, sorter: &mut Sorter) -> io::Result<()> {
        sorter.push(|into| self.write(into))
    }
}

/// A day's rows and postings walked together without a disk, for whoever has both in memory.
pub fn walk_held(rows: &[Row], postings: &[Record]) -> io::Result<Vec<Met>> {
    let sorter = |name| Sorter::with_run(std::path::Path::new(""), name, usize::MAX);
    let (mut theirs, mut ours) = (sorter("theirs"), sorter("ours"));
    for (line, row) in (1..).zip(rows) {
        Record::of(row, line).put_into(&mut theirs)?;
    }
    for posting in postings {
        posting.put_into(&mut ours)?;
    }
    let mut walk = Walk::new(theirs.sorted()?, ours.sorted()?)?;
    let mut all = Vec::new();
    while let Some(met) = walk.next()? {
        all.push(met);
    }
    Ok(all)
}

/// The two sides.
#[derive(Debug)]
pub(super) struct Walk {
    theirs: Stream,
    ours: Stream,
    /// The statement's last record.
    last: Vec<u8>,
}

/// One side and its next record.
#[derive(Debug)]
struct Stream {
    records: Sorted,
    next: Vec<u8>,
    is_over: bool,
}

impl Stream {
    fn new(mut records: Sorted) -> io::Result<Self> {
        let mut next = Vec::new();
        let is_over = !records.next(&mut next)?;
        Ok(Self { records, next, is_over })
    }

    fn go_on(&mut self) -> io::Result<()> {
        self.is_over = !self.records.next(&mut self.next)?;
        Ok(())
    }

    fn record(&self) -> io::Result<Record> {
        Record::parse(&self.next).ok_or_else(|| io::Error::other("a sorted record is damaged"))
    }
}

impl Walk {
    pub(super) fn new(theirs: Sorted, ours: Sorted) -> io::Result<Self> {
        Ok(Self { theirs: Stream::new(theirs)?, ours: Stream::new(ours)?, last: Vec::new() })
    }

    /// The next step; `None`: both sides are over.
    pub(super) fn next(&mut self) -> io::Result<Option<Met>> {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let order = match (self.theirs.is_over, self.ours.is_over) {
            (true, true) => return Ok(None),
            (false, true) => Less,
            (true, false) => Greater,
            (false, false) => key(&self.theirs.next).cmp(key(&self.ours.next)),
        };
        if order == Greater {
            let missing = self.ours.record()?;
            self.ours.go_on()?;
            return Ok(Some(Met::Missing(missing)));
        }
        // The one before has matched already, or is a stranger of the same number.
        if !self.last.is_empty() && key(&self.last) == key(&self.theirs.next) {
            let again = self.theirs.record()?;
            self.take_theirs()?;
            return Ok(Some(Met::Again(again)));
        }
        if order == Less {
            let stranger = self.theirs.record()?;
            self.take_theirs()?;
            return Ok(Some(Met::Stranger(stranger)));
        }
        debug_assert_eq!(order, Equal);
        let met = compare(&self.theirs.next, &self.ours.next)?;
        self.take_theirs()?;
        self.ours.go_on()?;
        Ok(Some(met))
    }

    fn take_theirs(&mut self) -> io::Result<()> {
        std::mem::swap(&mut self.last, &mut self.theirs.next);
        self.theirs.go_on()
    }
}

/// Side and number.
fn key(record: &[u8]) -> &[u8] {
    let mut tabs = record.iter().enumerate().filter(|(_, byte)| **byte == b'\t');
    tabs.nth(1).map_or(record, |(at, _)| &record[..at])
}

/// Records of one number. What is not in one of them, such as the bank's number, is not compared.
fn compare(theirs: &[u8], ours: &[u8]) -> io::Result<Met> {
    // Most are the same byte for byte, but for the line.
    if theirs.len() > ours.len() && theirs.starts_with(ours) && theirs[ours.len()] == b'\t' {
        return Ok(Met::Fits);
    }
    let damaged = || io::Error::other("a sorted record is damaged");
    let theirs = Record::parse(theirs).ok_or_else(damaged)?;
    let ours = Record::parse(ours).ok_or_else(damaged)?;
    if theirs.minor != ours.minor {
        return Ok(Met::Differs(theirs.finding(Kind::Amount, Some(ours.minor), String::new())));
    }
    let apart = |theirs: &str, ours: &str| !theirs.is_empty() && !ours.is_empty() && theirs != ours;
    let detail = if apart(&theirs.bank_no, &ours.bank_no) {
        format!("the bank's number is {} here", ours.bank_no)
    } else if apart(&theirs.out_trade_no, &ours.out_trade_no) {
        format!("it is of payment {} here", ours.out_trade_no)
    } else {
        return Ok(Met::Fits);
    };
    Ok(Met::Differs(theirs.finding(Kind::Number, Some(ours.minor), detail)))
}
