//! What the site asks of a bank channel and what the bank is heard to say, already judged. Knows no wire format.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Money;

/// What the site asks of the bank about one payment attempt or one refund.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// A cashier link for one attempt. `out_trade_no` is ours and new for every attempt.
    Generate {
        out_trade_no: String,
        amount: Money,
        /// What the driver reads on the cashier page, such as `停车费 京A12345`.
        subject: String,
        /// Seconds until the link can no longer be paid.
        expires_in_s: u32,
        /// When the attempt was made; becomes the trade date and time at the bank.
        asked_at: Timestamp,
    },
    /// How does this attempt stand?
    Query { out_trade_no: String },
    /// Close an attempt that is not known to be paid.
    Reverse { out_trade_no: String },
    /// Give back all or part of a paid attempt. Every retry carries the same `refund_no`.
    Refund { out_trade_no: String, refund_no: String, amount: Money },
}

impl Ask {
    /// Our number of the payment attempt the question is about.
    pub fn out_trade_no(&self) -> &str {
        match self {
            Self::Generate { out_trade_no, .. }
            | Self::Query { out_trade_no }
            | Self::Reverse { out_trade_no }
            | Self::Refund { out_trade_no, .. } => out_trade_no,
        }
    }

    /// For logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Generate { .. } => "generate",
            Self::Query { .. } => "query",
            Self::Reverse { .. } => "reverse",
            Self::Refund { .. } => "refund",
        }
    }
}

/// The subject names a plate, so it stays out of logs.
impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name(), self.out_trade_no())?;
        match self {
            Self::Generate { amount, expires_in_s, .. } => {
                write!(f, " {amount} within {expires_in_s} s")
            }
            Self::Refund { refund_no, amount, .. } => write!(f, " {amount} as {refund_no}"),
            Self::Query { .. } | Self::Reverse { .. } => Ok(()),
        }
    }
}

/// What the bank was heard to say, already verified and judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "snake_case")]
pub enum Word {
    /// To [`Ask::Generate`]: the text to render as a QR code or to open on the phone; opaque.
    Cashier { link: String },
    /// Not paid yet; ask again.
    Paying,
    /// Paid. `amount` is the order's whole amount as the bank states it, to be compared with ours;
    /// `bank_no` is the bank's number, empty if it named none.
    Paid { amount: Money, bank_no: String, paid_at: Option<Timestamp> },
    /// The bank says that this attempt failed.
    Failed { why: String },
    /// The attempt is closed, or never reached the bank. A customer may still have paid just before: see the next query.
    Reversed,
    /// Closing is under way; ask again.
    Reversing,
    /// Wholly given back.
    Refunded,
    /// Partly given back.
    PartRefunded,
    /// Giving back is under way; ask again.
    Refunding,
    /// To [`Ask::Refund`]: this refund is accepted, with the amount as the bank states it.
    RefundDone { amount: Money },
    /// The bank definitely did not do what was asked. Never said to a query, where a refusal tells
    /// nothing about the payment.
    Refused { code: String, why: String },
    /// Nothing can be concluded; the payment or refund stays pending.
    Unknown { why: String },
}
