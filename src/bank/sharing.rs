//! What a channel is asked so that the bank gives a partner its part of a payment by itself. Knows no rule of shares.

use std::{future::Future, pin::Pin};

use jiff::Timestamp;
use serde::Deserialize;

use crate::types::Money;

/// A partner as the bank knows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareAccount {
    /// Its merchant's number there.
    pub sub_mer_id: String,
    /// Its agreement's number. Default: the channel's rule for one.
    pub sub_mer_prtcl_no: Option<String>,
    /// The account its part is settled to. Default: the one of its contract.
    pub mer_acct: Option<String>,
}

/// One part of one payment, given or taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareAsk {
    /// Ours, the same however often it is asked.
    pub number: String,
    pub out_trade_no: String,
    /// The bank's number of the payment, empty where it named none.
    pub bank_no: String,
    pub paid_at: Timestamp,
    pub account: ShareAccount,
    pub amount: Money,
    /// It takes back of the part with this number; `None`: it is given.
    pub given: Option<String>,
}

/// What the bank was heard to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareWord {
    Done,
    /// Definitely not done.
    Refused {
        code: String,
        why: String,
    },
    /// Nothing can be concluded: the same is asked again under the same number.
    Unknown {
        why: String,
    },
    /// This channel relays no shares.
    NotOffered,
}

/// An answer in the making.
pub type Sharing<'a> = Pin<Box<dyn Future<Output = ShareWord> + Send + 'a>>;
