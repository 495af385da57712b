//! What the site asks of a bank channel and what the bank is heard to say, already judged. Knows no wire format.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{Money, PayerCode, Plate, PlateColour};

/// How a payment is collected; a channel asks about it, closes it and gives it back by the same way.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum PayWay {
    /// The payer opens a link or scans a code of ours (主扫).
    #[default]
    Cashier,
    /// We scan the code on the payer's phone (被扫).
    PayerCode,
    /// From the card or wallet bound to the plate, with no act of the driver (无感支付).
    Plate,
}

impl PayWay {
    pub fn name(self) -> &'static str {
        match self {
            Self::Cashier => "cashier",
            Self::PayerCode => "payer_code",
            Self::Plate => "plate",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub fn is_usual(&self) -> bool {
        *self == Self::Cashier
    }
}

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
    /// Takes the amount by the code on the payer's phone. The code is good for one attempt.
    Collect {
        out_trade_no: String,
        amount: Money,
        subject: String,
        code: PayerCode,
        /// What read the code; `None`: nobody told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scanner: Option<Scanner>,
        asked_at: Timestamp,
    },
    /// Takes a stay's fee from what is bound to the plate.
    Charge {
        out_trade_no: String,
        amount: Money,
        subject: String,
        plate: Plate,
        /// The bank's or wallet's number of the agreement, where its channel gave one.
        agreement: Option<String>,
        entered_at: Timestamp,
        left_at: Timestamp,
        asked_at: Timestamp,
    },
    /// How does this attempt stand?
    Query { out_trade_no: String, way: PayWay },
    /// Close an attempt that is not known to be paid.
    Reverse { out_trade_no: String, way: PayWay },
    /// Give back all or part of a paid attempt of `paid`. Every retry carries the same `refund_no`.
    Refund { out_trade_no: String, refund_no: String, amount: Money, paid: Money, way: PayWay },
    /// How does this refund of `amount` stand?
    RefundQuery { out_trade_no: String, refund_no: String, amount: Money, way: PayWay },
}

/// The scanner at which a payer showed a code: the rules on acceptance terminals want it told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanner {
    /// Name of the lane, booth or counter, as in the channel's list of terminals.
    pub place: String,
    /// Cipher of its serial number for this very code, from a certified terminal; handed on as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_text: Option<String>,
}

impl Ask {
    /// Our number of the payment attempt the question is about.
    pub fn out_trade_no(&self) -> &str {
        match self {
            Self::Generate { out_trade_no, .. }
            | Self::Collect { out_trade_no, .. }
            | Self::Charge { out_trade_no, .. }
            | Self::Query { out_trade_no, .. }
            | Self::Reverse { out_trade_no, .. }
            | Self::Refund { out_trade_no, .. }
            | Self::RefundQuery { out_trade_no, .. } => out_trade_no,
        }
    }

    /// For logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Generate { .. } => "generate",
            Self::Collect { .. } => "collect",
            Self::Charge { .. } => "charge",
            Self::Query { .. } => "query",
            Self::Reverse { .. } => "reverse",
            Self::Refund { .. } => "refund",
            Self::RefundQuery { .. } => "refund_query",
        }
    }

    /// The way of the payment it is about.
    pub fn way(&self) -> PayWay {
        match self {
            Self::Generate { .. } => PayWay::Cashier,
            Self::Collect { .. } => PayWay::PayerCode,
            Self::Charge { .. } => PayWay::Plate,
            Self::Query { way, .. }
            | Self::Reverse { way, .. }
            | Self::Refund { way, .. }
            | Self::RefundQuery { way, .. } => *way,
        }
    }
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scanner({})", self.place)
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
            Self::Collect { amount, .. } | Self::Charge { amount, .. } => write!(f, " {amount}"),
            Self::Refund { refund_no, amount, .. }
            | Self::RefundQuery { refund_no, amount, .. } => {
                write!(f, " {amount} as {refund_no}")
            }
            Self::Query { .. } | Self::Reverse { .. } => Ok(()),
        }
    }
}

/// Who paid, by the bank's number of them. It leaves the bank's edge veiled only, so that a site can tell one payer from
/// another and nobody can tell who they are.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payer(String);

impl Payer {
    /// `None`: the bank names nobody.
    pub fn named(number: &str) -> Option<Self> {
        (!number.is_empty()).then(|| Self(number.to_owned()))
    }

    /// Under the site's own secret: 24 hexadecimal digits.
    #[must_use]
    pub fn veiled(&self, secret: &[u8; 32]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes any length");
        mac.update(b"payer ");
        mac.update(self.0.as_bytes());
        let bytes = mac.finalize().into_bytes();
        Self(bytes.iter().take(12).map(|byte| format!("{byte:02x}")).collect())
    }

    /// As [`Payer::veiled`] made it.
    pub fn mark(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Payer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payer(hidden)")
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
    /// To [`Ask::Charge`]: the bank takes it on itself to collect. The vehicle may go; whether it was collected comes
    /// later.
    Accepted,
    /// Paid. `amount` is the order's whole amount as the bank states it, to be compared with ours;
    /// `bank_no` is the bank's number, empty if it named none.
    Paid {
        amount: Money,
        bank_no: String,
        paid_at: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payer: Option<Payer>,
    },
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
    /// The channel has no such question for a payment of this way, so only a person at the bank's portal can tell. Nothing
    /// was asked.
    Unaskable { why: String },
    /// To [`Ask::Query`]: the bank has no such order now. Ours may still be on its way to it, so the payment stays pending;
    /// but the bank was heard.
    NoOrder { why: String },
    /// Nothing can be concluded; the payment or refund stays pending.
    Unknown { why: String },
}

/// Whether a plate's fees may be taken without an act of its driver. Asked at entry, and again right before charging.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementAsk {
    pub plate: Plate,
    pub colour: Option<PlateColour>,
    /// Our number of the stay, the same at entry and exit.
    pub stay_no: String,
    pub entered_at: Timestamp,
    /// What is to be charged; `None` at entry.
    pub amount: Option<Money>,
    /// The agreement that this channel named before for this stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<String>,
}

/// A vehicle has left, of which a channel was told as it came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    pub plate: Plate,
    pub colour: Option<PlateColour>,
    /// Our number of the stay, the same as at its entry.
    pub stay_no: String,
    /// The agreement that this channel named for this stay.
    pub known: Option<String>,
    pub entered_at: Timestamp,
    pub left_at: Timestamp,
    /// What was paid for the stay, whoever took it.
    pub paid: Money,
}

/// What the bank was heard to say of an agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "snake_case")]
pub enum AgreementWord {
    /// It may be charged; `agreement` is the bank's number of it, where it has one.
    Bound { agreement: Option<String> },
    /// Nothing is bound to this plate.
    None { why: String },
    /// Something is bound, and may not be charged now: paused, in arrears, not enough money.
    Paused { why: String },
    /// Nothing can be concluded; the driver pays by scanning.
    Unknown { why: String },
}

impl AgreementWord {
    /// For logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bound { .. } => "bound",
            Self::None { .. } => "none",
            Self::Paused { .. } => "paused",
            Self::Unknown { .. } => "unknown",
        }
    }
}
