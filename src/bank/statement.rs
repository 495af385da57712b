//! A bank's statement (对账单) of a settlement day: how it is fetched and what one row of it says. Knows no ledger.

use std::{future::Future, io::BufRead, pin::Pin};

use jiff::Timestamp;
use thiserror::Error;

use crate::types::Money;

/// One row, in the words of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub what: What,
    /// Our number of the payment.
    pub out_trade_no: String,
    /// The bank's number of it; empty where the statement has none.
    pub bank_no: String,
    /// Our number of the refund; empty for a payment.
    pub refund_no: String,
    /// What was paid or given back, above zero.
    pub amount: Money,
    /// What the bank keeps for it, in thousandths of the minor unit, as some banks round on the day's total only.
    /// Negative: it gives back what it had kept. `None`: the statement does not say.
    pub fee_milli: Option<i64>,
    pub at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    Paid,
    Refunded,
}

/// A row that cannot be read; the others can.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line} of the statement: {what}")]
pub struct RowError {
    /// Counts from 1.
    pub line: u64,
    pub what: String,
}

/// Read one at a time: a statement may be larger than memory.
pub type Rows<'a> = Box<dyn Iterator<Item = Result<Row, RowError>> + Send + 'a>;

/// The text of a statement as the bank sent it.
pub type Text<'a> = Box<dyn BufRead + Send + 'a>;

/// Why there is no statement.
#[derive(Debug, Error)]
pub enum StatementError {
    #[error("this channel gives no statement over the wire; import the bank's file by hand")]
    NotOffered,
    #[error("the statement is not ready yet, the bank says: {0}; ask again later")]
    NotReady(String),
    #[error("the statement cannot be fetched: {0}")]
    Failed(String),
}

/// Being fetched into a file.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<(), StatementError>> + Send + 'a>>;
