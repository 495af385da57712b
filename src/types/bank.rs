//! What we ask of a bank channel and what it says, already judged. Knows no wire format.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Money;

/// One question to the bank. `out_trade_no` names one attempt to collect, for ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// A cashier link for a payer's phone, good for `expires_in_s` seconds.
    Generate {
        out_trade_no: String,
        amount: Money,
        subject: String,
        expires_in_s: u32,
        asked_at: Timestamp,
    },
    /// What became of it.
    Query { out_trade_no: String },
    /// Undo it, whatever became of it.
    Reverse { out_trade_no: String },
    /// Give `amount` back; the same `refund_no` is the same refund however often it is asked.
    Refund { out_trade_no: String, refund_no: String, amount: Money },
}

impl Ask {
    pub fn out_trade_no(&self) -> &str {
        match self {
            Self::Generate { out_trade_no, .. }
            | Self::Query { out_trade_no }
            | Self::Reverse { out_trade_no }
            | Self::Refund { out_trade_no, .. } => out_trade_no,
        }
    }
}

/// What the bank said. Whatever is not explicit is `Unknown`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Word {
    /// The payer's phone goes to `link`.
    Cashier {
        link: String,
    },
    Paying,
    Paid {
        amount: Money,
        bank_no: String,
        paid_at: Option<Timestamp>,
    },
    Failed {
        why: String,
    },
    Reversed,
    Reversing,
    Refunded,
    PartRefunded,
    Refunding,
    /// This refund is done.
    RefundDone {
        amount: Money,
    },
    /// The bank definitely did not accept the question.
    Refused {
        code: String,
        why: String,
    },
    /// Time-out, 5xx, bad signature, text nobody knows: ask again, never guess.
    Unknown {
        why: String,
    },
}
