//! One run: a statement against a settlement day's postings, from the first row to what is on record. Decides nothing
//! about money and asks no bank.

use std::path::PathBuf;

use jiff::{Timestamp, civil::Date};

use super::{
    FeeRule, SettleError, fee,
    matching::{Met, Record, Walk},
    sort::{Sorted, Sorter},
};
use crate::{
    bank::statement::{Row, Rows, What},
    core::{
        rules::SettleRules,
        settle::{Finding, Kind, Side, StatementFile},
    },
    crash_point::{self, Step},
    store::{Conclusion, Known, Settlements},
    types::{ChannelId, Currency},
};

/// Rows between two breaths, so that a long run leaves the others their turn; also rows put down or looked up at once.
const BREATH: usize = 1_000;
/// Transactions of the ledger fetched at once: some 200 KiB of text.
const LEDGER_STEP: i64 = 4_000;
/// Rows that cannot be read and are kept one by one; the rest is only counted.
const BAD_MAX: i64 = 1_000;
/// Up to so many findings are taken for what they are, however short the statement.
const ODD_FREE: u64 = 100;

/// What a run is about.
#[derive(Clone, Debug)]
pub struct Job {
    pub channel: ChannelId,
    pub day: Date,
    /// SHA-256 of the statement.
    pub digest: [u8; 32],
    pub currency: Currency,
    pub zone: jiff::tz::TimeZone,
    pub rules: SettleRules,
    /// `None`: fees are taken as the statement says.
    pub fee: Option<FeeRule>,
    /// Days that a row may come late with.
    pub late_days: u8,
    /// Room for sorting; nothing is left there.
    pub work: PathBuf,
    pub now: Timestamp,
}

/// What a run found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub file: StatementFile,
    /// Of this day, now.
    pub open: i64,
    pub waiting: i64,
}

struct Run<'a> {
    books: &'a Settlements,
    job: &'a Job,
    file: StatementFile,
    fee_milli: i128,
    /// Waiting to be put down.
    found: Vec<Finding>,
    /// Waiting to be looked up.
    strangers: Vec<Record>,
    strays: Vec<(Side, String, Date)>,
    odd: u64,
}

/// Holds a statement against the ledger. Done twice with the same statement it changes nothing; `progress` is told the
/// rows read so far.
pub async fn reconcile(
    books: &Settlements,
    job: &Job,
    rows: Rows<'_>,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Outcome, SettleError> {
    books.begin(&job.channel, job.day).await?;
    let mut run = Run::new(books, job);
    let theirs = run.read_statement(rows, progress).await?;
    let ours = run.read_ledger().await?;
    run.walk(theirs, ours).await?;
    run.conclude().await
}

impl<'a> Run<'a> {
    fn new(books: &'a Settlements, job: &'a Job) -> Self {
        let file = StatementFile {
            channel: job.channel.clone(),
            day: job.day,
            digest: job.digest,
            rows: 0,
            bad: 0,
            matched: 0,
            paid_minor: 0,
            refunded_minor: 0,
            fee_minor: 0,
            reconciled_at: job.now,
        };
        let (found, strangers, strays) = (Vec::new(), Vec::new(), Vec::new());
        Self { books, job, file, fee_milli: 0, found, strangers, strays, odd: 0 }
    }

    fn io(&self) -> impl FnOnce(std::io::Error) -> SettleError {
        let path = self.job.work.clone();
        move |source| SettleError::Io { path, source }
    }

    async fn read_statement(
        &mut self,
        rows: Rows<'_>,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Sorted, SettleError> {
        let mut sorter = Sorter::new(&self.job.work, "theirs");
        let mut ordinal = 0_u64;
        for row in rows {
            ordinal += 1;
            match row {
                Ok(row) => self.take_row(&mut sorter, ordinal, &row)?,
                Err(error) => self.take_bad(error.line, &error.what),
            }
            if ordinal.is_multiple_of(BREATH as u64) {
                progress(ordinal);
                self.put_down(BREATH).await?;
                tokio::task::yield_now().await;
            }
        }
        progress(ordinal);
        sorter.sorted().map_err(self.io())
    }

    fn take_row(
        &mut self,
        sorter: &mut Sorter,
        ordinal: u64,
        row: &Row,
    ) -> Result<(), SettleError> {
        let texts = [&row.out_trade_no, &row.bank_no, &row.refund_no];
        if row.amount.currency != self.job.currency || row.amount.minor <= 0 {
            self.take_bad(ordinal, &format!("its amount is {}", row.amount));
            return Ok(());
        }
        if texts.iter().any(|text| text.bytes().any(|byte| byte.is_ascii_control())) {
            self.take_bad(ordinal, "a number holds a control character");
            return Ok(());
        }
        self.file.rows += 1;
        let sum = match row.what {
            What::Paid => &mut self.file.paid_minor,
            What::Refunded => &mut self.file.refunded_minor,
        };
        *sum = sum.saturating_add(row.amount.minor);
        self.take_fee(row);
        Record::of(row, ordinal).put_into(sorter).map_err(self.io())
    }

    fn take_fee(&mut self, row: &Row) {
        let expected = self.job.fee.map(|fee| match row.what {
            What::Paid => fee.of_payment(row.amount.minor),
            What::Refunded => fee.of_refund(row.amount.minor),
        });
        self.fee_milli += i128::from(row.fee_milli.or(expected).unwrap_or(0));
        let (Some(fee), Some(expected), Some(said)) = (self.job.fee, expected, row.fee_milli)
        else {
            return;
        };
        if !fee.fits(expected, said) {
            let (side, number) = match row.what {
                What::Paid => (Side::Paid, &row.out_trade_no),
                What::Refunded => (Side::Refunded, &row.refund_no),
            };
            self.note(Finding {
                kind: Kind::Fee,
                side,
                number: number.clone(),
                out_trade_no: row.out_trade_no.clone(),
                refund_no: row.refund_no.clone(),
                bank_no: row.bank_no.clone(),
                ours_minor: Some(fee::rounded(expected.into())),
                theirs_minor: Some(fee::rounded(said.into())),
                detail: format!("{said} thousandths, by the rate {expected}"),
            });
        }
    }

    fn take_bad(&mut self, line: u64, what: &str) {
        self.file.bad += 1;
        if self.file.bad > BAD_MAX {
            return;
        }
        let detail = if self.file.bad == BAD_MAX {
            format!("line {line}: {what}; further ones are only counted")
        } else {
            format!("line {line}: {what}")
        };
        self.note(Finding {
            kind: Kind::Row,
            side: Side::Paid,
            number: line.to_string(),
            out_trade_no: String::new(),
            refund_no: String::new(),
            bank_no: String::new(),
            ours_minor: None,
            theirs_minor: None,
            detail,
        });
    }

    fn note(&mut self, finding: Finding) {
        self.odd += 1;
        self.found.push(finding);
    }

    async fn read_ledger(&self) -> Result<Sorted, SettleError> {
        let mut sorter = Sorter::new(&self.job.work, "ours");
        let Some((from, to)) = self.job.rules.bounds(self.job.day, &self.job.zone) else {
            return sorter.sorted().map_err(self.io());
        };
        let reader = self.books.reader();
        let (mut after, last) = reader.ledger_span(from, to).await?;
        while after < last {
            let next = last.min(after + LEDGER_STEP);
            let lines = reader.channel_lines(&self.job.channel, after, next).await?;
            for line in lines.lines() {
                sorter
                    .push(|record| record.extend_from_slice(line.as_bytes()))
                    .map_err(self.io())?;
            }
            after = next;
        }
        sorter.sorted().map_err(self.io())
    }

    async fn walk(&mut self, theirs: Sorted, ours: Sorted) -> Result<(), SettleError> {
        let mut walk = Walk::new(theirs, ours).map_err(self.io())?;
        let mut steps = 0_usize;
        while let Some(met) = walk.next().map_err(self.io())? {
            match met {
                Met::Fits => self.file.matched += 1,
                Met::Differs(finding) => {
                    self.file.matched += 1;
                    self.note(finding);
                }
                Met::Stranger(record) => self.strangers.push(record),
                Met::Again(record) => {
                    let detail = format!("row {} repeats it", record.line);
                    let number = format!("{} {}", record.number, record.line);
                    let finding = record.finding(Kind::Twice, None, detail);
                    self.note(Finding { number, ..finding });
                }
                Met::Missing(record) => {
                    let minor = record.minor;
                    self.note(record.finding(Kind::Short, Some(minor), String::new()));
                }
            }
            steps += 1;
            if steps.is_multiple_of(BREATH) {
                self.look_up(BREATH).await?;
                self.put_down(BREATH).await?;
                tokio::task::yield_now().await;
            }
        }
        self.look_up(1).await?;
        self.put_down(1).await
    }

    /// Puts findings down once there are so many.
    async fn put_down(&mut self, least: usize) -> Result<(), SettleError> {
        let (rows, odd) = (self.file.rows.unsigned_abs() + self.file.bad.unsigned_abs(), self.odd);
        if odd > ODD_FREE && odd > rows.max(self.file.matched.unsigned_abs()) / 2 + ODD_FREE {
            let (channel, day) = (self.job.channel.to_string(), self.job.day.to_string());
            self.books.begin(&self.job.channel, self.job.day).await?;
            return Err(SettleError::Foreign { channel, day, rows, odd });
        }
        if self.found.len() >= least {
            self.books.find(&self.job.channel, self.job.day, &self.found).await?;
            self.found.clear();
        }
        Ok(())
    }

    /// Rows of no posting of this day: of another day, not paid here, or of nobody.
    async fn look_up(&mut self, least: usize) -> Result<(), SettleError> {
        if self.strangers.len() < least {
            return Ok(());
        }
        let strangers = std::mem::take(&mut self.strangers);
        for side in [Side::Paid, Side::Refunded] {
            let of_side = || strangers.iter().filter(|record| record.side == side);
            let numbers: Vec<String> = of_side().map(|record| record.number.clone()).collect();
            if numbers.is_empty() {
                continue;
            }
            let mut known = self.books.reader().known(side, &numbers).await?;
            known.retain(|known| known.channel == self.job.channel.as_str());
            let by_number: std::collections::HashMap<&str, &Known> =
                known.iter().map(|known| (&*known.number, known)).collect();
            for record in of_side() {
                let known = by_number.get(&*record.number).copied();
                self.place(record.clone(), known);
            }
        }
        Ok(())
    }

    fn place(&mut self, record: Record, known: Option<&Known>) {
        let Some(known) = known else {
            return self.note(record.finding(Kind::Long, None, String::new()));
        };
        match known.posted_at {
            Some(at) => {
                self.file.matched += 1;
                let own = self.job.rules.day_of(at, &self.job.zone);
                self.strays.push((record.side, record.number.clone(), own));
                if record.minor != known.minor {
                    let ours = Some(known.minor);
                    self.note(record.finding(Kind::Amount, ours, format!("posted on {own}")));
                }
            }
            None if known.state == "disputed" => {
                let detail = "disputed here: the bank named another amount".to_owned();
                self.note(record.finding(Kind::Amount, Some(known.minor), detail));
            }
            None => self.note(record.finding(Kind::State, None, format!("{} here", known.state))),
        }
    }

    async fn conclude(mut self) -> Result<Outcome, SettleError> {
        self.file.fee_minor = fee::rounded(self.fee_milli);
        let late = i32::from(self.job.late_days);
        let days = |count: i32| self.job.day.saturating_add(jiff::Span::new().days(count));
        let reader = self.books.reader();
        let is_there = |day: Date| {
            let channel = self.job.channel.clone();
            async move {
                let there = reader.statements(day, day).await?;
                Ok::<_, SettleError>(there.iter().any(|file| file.channel == channel))
            }
        };
        let mut is_early = false;
        for count in 1..=late {
            is_early |= !is_there(days(count)).await?;
        }
        let conclusion = Conclusion { file: &self.file, is_early, strays: &self.strays };
        crash_point::at(Step::StatementMatched, "");
        let concluded = self.books.conclude(&conclusion).await?;
        // What waited for this statement, and for none after it.
        let mut whole = true;
        for count in 1..late {
            whole &= is_there(days(-count)).await?;
        }
        if whole {
            self.books.ripen(&self.job.channel, days(-late), self.job.now).await?;
        }
        Ok(Outcome { file: self.file, open: concluded.open, waiting: concluded.waiting })
    }
}
