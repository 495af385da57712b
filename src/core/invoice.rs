//! Invoices of what was paid, and the red-letter ones that take them back. Knows no provider and no contact.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::money::{Order, OrderState, PaidBy};
use crate::types::{Buyer, GivenBack, InvoiceId, Money, OrderId};

/// One invoice, asked for until its provider has said what became of it. After that it is in the tables only. Where it
/// is sent is not part of it: that is personal data, kept apart and deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    pub id: InvoiceId,
    /// What its provider knows it by, such as `PFI12`; never used twice.
    pub number: String,
    pub order: OrderId,
    /// Of a red-letter one: what it takes back, positive.
    pub amount: Money,
    pub buyer: Buyer,
    pub state: InvoiceState,
    /// The invoice that this red-letter one takes back, in part or whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub red_of: Option<InvoiceId>,
    /// The money going back for which this red-letter one is. One each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<GivenBack>,
    /// What had gone back before the claim, so that it is not part of `amount`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<GivenBack>,
    /// The operator who asked for it; `None`: whoever had paid, or nobody had to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    pub made_at: Timestamp,
    /// How often its provider was asked.
    pub asks: u32,
    pub next_ask: Option<Timestamp>,
    /// When it was issued, refused or not needed any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum InvoiceState {
    /// Whether it will be issued, nobody knows yet.
    Asked,
    Issued {
        /// The invoice's own number.
        number: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<String>,
        at: Timestamp,
    },
    /// Its provider will not; a corrected claim makes a new one.
    Refused { why: String },
    /// A red-letter one whose invoice was never issued.
    Void,
}

impl InvoiceState {
    /// The word used in tables and pages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Issued { .. } => "issued",
            Self::Refused { .. } => "refused",
            Self::Void => "void",
        }
    }

    /// Another one may take its place.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Void)
    }
}

/// What went back to the payer of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WentBack {
    pub by: GivenBack,
    pub amount: Money,
    /// `false`: on its way.
    pub done: bool,
}

/// A claim, with what the tables know of its order: that is mostly over by then.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub order: Order,
    /// All that went back of the payment that settled the order, or is on its way; nothing that the bank refused.
    pub went_back: Vec<WentBack>,
    /// The last invoice that was asked for this order.
    pub former: Option<Invoice>,
    pub buyer: Buyer,
    /// The operator who asks; `None`: whoever had paid.
    pub by: Option<String>,
}

/// Why an order cannot have an invoice now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoInvoice {
    #[error("this site issues no invoices here")]
    Off,
    #[error("the order is not paid")]
    NotPaid,
    #[error("a pass paid it; its invoice is for what was paid into the pass")]
    ByPass,
    #[error("the counter that sold it settles by account; ask there")]
    ByCounter,
    #[error("all that was paid has gone back")]
    NothingLeft,
    #[error("money is on its way back; ask again when it has arrived")]
    GoingBack,
}

/// What an invoice of this order is for: what was paid less what went back.
pub fn claimable(order: &Order, went_back: &[WentBack]) -> Result<Money, NoInvoice> {
    match &order.state {
        OrderState::Paid { by: PaidBy::Payment(_) | PaidBy::Cash(_), .. } => {}
        OrderState::Paid { by: PaidBy::Pass(_), .. } => return Err(NoInvoice::ByPass),
        OrderState::Paid { by: PaidBy::Counter, .. } => return Err(NoInvoice::ByCounter),
        OrderState::Due | OrderState::Waived { .. } | OrderState::Void | OrderState::Unpaid => {
            return Err(NoInvoice::NotPaid);
        }
    }
    if went_back.iter().any(|back| !back.done) {
        return Err(NoInvoice::GoingBack);
    }
    let gone = went_back.iter().fold(0_i64, |sum, back| sum.saturating_add(back.amount.minor));
    let left = Money::new(order.amount.minor.saturating_sub(gone), order.amount.currency);
    if left.minor > 0 { Ok(left) } else { Err(NoInvoice::NothingLeft) }
}
