//! The settlement days of a run when all is over: the banks' statements with what is wrong in them, matched with the
//! ledger by the site's own engine, each difference explained, and the corrected statements matched once more. Knows no
//! disk and no page.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use paifang::{
    bank::statement::{Row, What},
    core::{AlarmKind, settle::Side},
    settle::{Met, Record, walk_held},
    types::Money,
};

use super::{
    Sabotage,
    check::{Broken, Law, law},
    run::Run,
};
use crate::seed::{Draws, Seed};

/// Side and number: what both sides know a row by.
type Key = (Side, String);

/// Money that moved at the bank, as its statement has it.
#[derive(Clone, Debug)]
pub(super) struct Moved {
    pub(super) at: Timestamp,
    pub(super) bank: usize,
    pub(super) what: What,
    pub(super) out_trade_no: String,
    pub(super) refund_no: String,
    pub(super) amount: Money,
}

impl Moved {
    fn key(&self) -> Key {
        match self.what {
            What::Paid => (Side::Paid, self.out_trade_no.clone()),
            What::Refunded => (Side::Refunded, self.refund_no.clone()),
        }
    }

    fn row(&self, more: i64) -> Row {
        Row {
            what: self.what,
            out_trade_no: self.out_trade_no.clone(),
            bank_no: format!("B{}", self.out_trade_no),
            refund_no: self.refund_no.clone(),
            amount: Money::new(self.amount.minor + more, self.amount.currency),
            fee_milli: None,
            at: Some(self.at),
        }
    }
}

/// A line of the ledger about a bank.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) at: Timestamp,
    pub(super) bank: usize,
    pub(super) record: Record,
}

impl Line {
    fn key(&self) -> Key {
        (self.record.side, self.record.number.clone())
    }
}

/// What is wrong with a row of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Missing,
    Twice,
    Amount,
    NextDay,
}

impl Wrong {
    fn drawn(draws: &mut Draws, chance: f64) -> Option<Self> {
        let all = [Self::Missing, Self::Twice, Self::Amount, Self::NextDay];
        draws.chance(chance).then(|| draws.pick(&all))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Missing => "statement: row missing",
            Self::Twice => "statement: row twice",
            Self::Amount => "statement: another amount",
            Self::NextDay => "statement: a day late",
        }
    }
}

fn day_of(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// One bank's side and ours, and what was put wrong.
struct Matter {
    moved: Vec<Moved>,
    lines: Vec<Line>,
    wrong: BTreeMap<Key, Wrong>,
    /// What is known of that.
    causes: BTreeMap<Key, Wrong>,
    /// Differs, and an alarm tells a person so.
    visible: BTreeSet<String>,
}

impl Run {
    /// When all is over.
    pub(super) fn settle_days(&mut self) -> Result<(), Broken> {
        let mut draws = Seed(self.seed).child("statements").draws();
        let chance = self.faults.bank.statement_wrong;
        let alarms = self.state.alarms.keys();
        // Another amount, or a refund that the bank refused and may have carried out: somebody looks into it.
        let visible: BTreeSet<String> = alarms
            .filter(|(_, kind)| matches!(kind, AlarmKind::AmountDiffers | AlarmKind::RefundRefused))
            .map(|(subject, _)| subject.clone())
            .collect();
        for bank in 0..2 {
            let mut moved = self.bank.moved.clone();
            moved.retain(|moved| moved.bank == bank);
            let mut wrong = BTreeMap::new();
            for moved in &moved {
                if let Some(fault) = Wrong::drawn(&mut draws, chance) {
                    self.tally.add(fault.name());
                    wrong.insert(moved.key(), fault);
                }
            }
            let lines = self.books.lines.iter().filter(|line| line.bank == bank).cloned().collect();
            let hidden = self.sabotage == Some(Sabotage::HideCause);
            let causes = if hidden { BTreeMap::new() } else { wrong.clone() };
            let matter = Matter { moved, lines, wrong, causes, visible: visible.clone() };
            matter.by_days()?;
            matter.corrected()?;
        }
        Ok(())
    }
}

impl Matter {
    fn is_visible(&self, record: &Record) -> bool {
        self.visible.contains(&record.out_trade_no)
    }

    fn is(&self, record: &Record, wrong: Wrong) -> bool {
        self.causes.get(&(record.side, record.number.clone())) == Some(&wrong)
    }

    /// The bank's statement of a day, wrong as it is.
    fn statement(&self, day: Date) -> Vec<Row> {
        let mut rows = Vec::new();
        for moved in &self.moved {
            let wrong = self.wrong.get(&moved.key());
            let late =
                SignedDuration::from_hours(if wrong == Some(&Wrong::NextDay) { 24 } else { 0 });
            if day_of(moved.at + late) != day || wrong == Some(&Wrong::Missing) {
                continue;
            }
            rows.push(moved.row(i64::from(wrong == Some(&Wrong::Amount))));
            if wrong == Some(&Wrong::Twice) {
                rows.push(moved.row(0));
            }
        }
        rows
    }

    /// Day by day, as mornings come: every difference has its cause.
    fn by_days(&self) -> Result<(), Broken> {
        let days = self.moved.iter().map(|moved| day_of(moved.at));
        let days = days.chain(self.lines.iter().map(|line| day_of(line.at)));
        let mut days: BTreeSet<Date> = days.collect();
        if let Some(after) = days.last().and_then(|last| last.tomorrow().ok()) {
            days.insert(after);
        }
        let (mut strays, mut short) = (BTreeSet::new(), Vec::new());
        for day in days {
            let own = self.lines.iter().filter(|line| day_of(line.at) == day);
            let own: Vec<Record> = own.map(|line| line.record.clone()).collect();
            let all = walk_held(&self.statement(day), &own);
            for met in all.map_err(|why| Broken::new(Law::DayExplained, why.to_string()))? {
                self.explain(day, met, &mut strays, &mut short)?;
            }
        }
        for record in short {
            let came = strays.contains(&(record.side, record.number.clone()));
            let known = came || self.is(&record, Wrong::Missing) || self.is_visible(&record);
            law(Law::DayExplained, known, || format!("{record:?} is in no statement"))?;
        }
        Ok(())
    }

    fn explain(
        &self,
        day: Date,
        met: Met,
        strays: &mut BTreeSet<Key>,
        short: &mut Vec<Record>,
    ) -> Result<(), Broken> {
        match met {
            Met::Fits => Ok(()),
            Met::Missing(record) => {
                short.push(record);
                Ok(())
            }
            Met::Again(record) => law(Law::DayExplained, self.is(&record, Wrong::Twice), || {
                format!("{day}: {record:?} came twice")
            }),
            Met::Differs(finding) => {
                let wrong = self.causes.get(&(finding.side, finding.number.clone()));
                let known = wrong == Some(&Wrong::Amount);
                law(Law::DayExplained, known, || format!("{day}: {finding:?}"))
            }
            Met::Stranger(record) => {
                let key = (record.side, record.number.clone());
                let ours = self.lines.iter().find(|line| line.key() == key);
                let fits = |line: &Line| {
                    let more = record.minor - line.record.minor;
                    more == i64::from(self.is(&record, Wrong::Amount))
                };
                let known = ours.is_some_and(fits) || self.is_visible(&record);
                strays.insert(key);
                law(Law::DayExplained, known, || format!("{day}: {record:?}, ours {ours:?}"))
            }
        }
    }

    /// Once the bank has mended its statements, all of them together are the ledger.
    fn corrected(&self) -> Result<(), Broken> {
        let rows: Vec<Row> = self.moved.iter().map(|moved| moved.row(0)).collect();
        let ours: Vec<Record> = self.lines.iter().map(|line| line.record.clone()).collect();
        let all = walk_held(&rows, &ours);
        for met in all.map_err(|why| Broken::new(Law::DayExplained, why.to_string()))? {
            let known = match &met {
                Met::Fits => true,
                Met::Missing(record) | Met::Stranger(record) => self.is_visible(record),
                Met::Again(_) | Met::Differs(_) => false,
            };
            law(Law::DayExplained, known, || format!("in the end {met:?}"))?;
        }
        Ok(())
    }
}
