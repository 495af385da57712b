//! Named places at which the daemon dies on purpose, so that tests can cut each flow of money at each of its steps.
//! Nothing dies unless a start is armed; a place that is not costs one look at a value that never changes.
//!
//! A place is a step and what it is about, such as `committed payment:paid` or `before_ask refund`; see [`Step`].

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

use crate::core::Change;

static ARMED: OnceLock<Armed> = OnceLock::new();

/// Where in a flow. What it is about: a kind of change with its state, a question to the bank, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Decided; not on disk.
    BeforeCommit,
    /// On disk; nothing was done yet.
    Committed,
    /// Done; whoever asked has no answer.
    Acted,
    /// On its way to the bank.
    BeforeAsk,
    /// The bank's answer is here; the core does not know.
    Answered,
    /// A notification was verified; the core does not know.
    Notified,
    /// It is on disk; the bank has no reply.
    NoticeTaken,
    /// A statement came; nothing has looked at it.
    StatementFetched,
    /// It was matched; nothing of that is on record.
    StatementMatched,
    /// What was found is on record; the file is not kept.
    StatementRecorded,
    StatementKept,
    /// A claim is on its way to whoever issues invoices.
    BeforeInvoice,
    /// It is written there; the core does not know.
    InvoiceAsked,
    /// A ticket is on its way to the printer.
    BeforePrint,
    /// It lies there; nobody was told.
    Printed,
}

const STEPS: [(Step, &str); 15] = [
    (Step::BeforeCommit, "before_commit"),
    (Step::Committed, "committed"),
    (Step::Acted, "acted"),
    (Step::BeforeAsk, "before_ask"),
    (Step::Answered, "answered"),
    (Step::Notified, "notified"),
    (Step::NoticeTaken, "notice_taken"),
    (Step::StatementFetched, "statement_fetched"),
    (Step::StatementMatched, "statement_matched"),
    (Step::StatementRecorded, "statement_recorded"),
    (Step::StatementKept, "statement_kept"),
    (Step::BeforeInvoice, "before_invoice"),
    (Step::InvoiceAsked, "invoice_asked"),
    (Step::BeforePrint, "before_print"),
    (Step::Printed, "printed"),
];

/// A place, and which time it is come by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashAt {
    step: Step,
    what: String,
    nth: u32,
}

/// No place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no crash point; one is a step, what it is about, and which time, such as \"committed payment:paid 1\""
)]
pub struct NoPoint(String);

impl CrashAt {
    /// A step, what it is about unless it is about one thing only, and which time; default the first.
    pub fn parse(text: &str) -> Result<Self, NoPoint> {
        let mut words = text.split_whitespace();
        let named = words.next().and_then(|name| STEPS.iter().find(|(_, known)| *known == name));
        let (step, _) = named.ok_or_else(|| NoPoint(text.to_owned()))?;
        let (mut what, mut nth) = (String::new(), 1);
        for word in words {
            match word.parse() {
                Ok(count) if count > 0 => nth = count,
                _ if what.is_empty() => word.clone_into(&mut what),
                _ => return Err(NoPoint(text.to_owned())),
            }
        }
        Ok(Self { step: *step, what, nth })
    }
}

#[derive(Debug)]
struct Armed {
    at: CrashAt,
    left: AtomicU32,
}

/// From now on this process dies at that place. It is armed once, at its start.
pub fn arm(at: CrashAt) {
    let left = AtomicU32::new(at.nth);
    tracing::warn!(?at, "this daemon will die on purpose");
    let _ = ARMED.set(Armed { at, left });
}

/// Dies if this is the place.
pub fn at(step: Step, what: &str) {
    come_by(step, |wanted| wanted == what);
}

/// The same, of any change of a batch.
pub fn among(step: Step, changes: &[Change]) {
    come_by(step, |wanted| changes.iter().any(|change| label(change) == wanted));
}

fn come_by(step: Step, is_about: impl FnOnce(&str) -> bool) {
    let Some(armed) = ARMED.get() else { return };
    if armed.at.step == step
        && is_about(&armed.at.what)
        && armed.left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        tracing::error!(at = ?armed.at, "dies on purpose");
        std::process::abort();
    }
}

/// The kind of a change, with the state where money has one.
fn label(change: &Change) -> String {
    let state = match change {
        Change::Payment(payment) => payment.state.name(),
        Change::Refund(refund) => refund.state.name(),
        Change::Order(order) => order.state.name(),
        Change::Invoice(invoice) => invoice.state.name(),
        other => return other.kind().to_owned(),
    };
    format!("{}:{state}", change.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_or_refused() {
        let rows = [
            ("committed payment:paid", Step::Committed, "payment:paid", 1),
            ("before_ask refund 2", Step::BeforeAsk, "refund", 2),
            ("statement_kept", Step::StatementKept, "", 1),
            ("notified 3", Step::Notified, "", 3),
        ];
        for (text, step, what, nth) in rows {
            let what = what.to_owned();
            assert_eq!(CrashAt::parse(text), Ok(CrashAt { step, what, nth }), "{text}");
        }
        for wrong in ["", "somewhere", "committed a b", "committed a 0 b"] {
            assert!(CrashAt::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn whoever_is_not_armed_goes_on() {
        at(Step::Notified, "");
        among(Step::Committed, &[]);
    }
}
