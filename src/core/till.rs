//! What passes over a counter: shifts, cash, arrears, merchants and their validations. Knows no bank.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::tariff::Benefit;
use crate::types::{
    ArrearsId, BoothId, CashId, LaneId, MerchantId, Money, OrderId, Plate, ShiftId, StayId,
    ValidationId,
};

/// One operator's time at a booth, from taking over the drawer to handing it on (交接班).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    pub id: ShiftId,
    pub booth: BoothId,
    pub operator: String,
    pub opened_at: Timestamp,
    /// In the drawer at the beginning.
    pub float: Money,
    pub totals: ShiftTotals,
    /// What was in the drawer at the end, by the operator's count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Money>,
    /// Handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
    /// Who counted it, where that was not its operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<String>,
}

impl Shift {
    /// What should be in the drawer.
    pub fn expected_minor(&self) -> i64 {
        let ShiftTotals { cash_minor, refunded_minor, .. } = self.totals;
        self.float.minor.saturating_add(cash_minor).saturating_sub(refunded_minor)
    }

    /// Counted less expected: over when positive, short when negative. `None`: not counted yet.
    pub fn over_minor(&self) -> Option<i64> {
        self.counted.map(|counted| counted.minor.saturating_sub(self.expected_minor()))
    }
}

/// Sums of a shift, in minor units of the site's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShiftTotals {
    pub cash_minor: i64,
    pub cash_count: u32,
    /// Cash given back to drivers, change not counted.
    pub refunded_minor: i64,
    /// Fees let go by free release or a lower fee.
    pub waived_minor: i64,
    pub waived_count: u32,
    /// Arms opened by hand.
    pub openings: u32,
    /// Arrears forgiven.
    #[serde(default, skip_serializing_if = "is_none")]
    pub forgiven_minor: i64,
    #[serde(default, skip_serializing_if = "is_nobody")]
    pub forgiven_count: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_none(minor: &i64) -> bool {
    *minor == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_nobody(count: &u32) -> bool {
    *count == 0
}

/// Cash taken for an order, or given back. Never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cash {
    pub id: CashId,
    pub order: OrderId,
    /// `None`: for what a counter sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stay: Option<StayId>,
    pub shift: ShiftId,
    pub amount: Money,
    /// What the driver gave; the rest went back as change.
    pub tendered: Money,
    pub at: Timestamp,
    /// Given back: of this cash, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_of: Option<CashId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Paid in for a pass: it goes back with the pass only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_pass: bool,
    /// Cash stays out of memory from the start.
    pub over_at: Timestamp,
}

/// A fee that was not paid when its vehicle left (欠费).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrears {
    pub id: ArrearsId,
    pub plate: Plate,
    pub stay: StayId,
    pub order: OrderId,
    pub amount: Money,
    pub lane: LaneId,
    pub since: Timestamp,
    /// Paid or forgiven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

/// A shop that pays for its customers' parking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merchant {
    pub id: MerchantId,
    pub name: String,
    pub offers: Vec<Offer>,
    /// What its validations may come to in a calendar month.
    pub budget_minor: i64,
    pub spent_minor: i64,
    /// First instant of the month `spent_minor` is of.
    pub month: Timestamp,
    /// Gives nothing until an operator lets it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
    /// What it gives is the site's own discount: it is sent no bill.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_site: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

/// What a merchant may give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub name: String,
    pub benefit: Benefit,
    /// What one costs the merchant at most. It is kept free in the budget until the validation is used.
    pub at_most_minor: i64,
}

/// One discount a merchant gave to one stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    pub id: ValidationId,
    pub merchant: MerchantId,
    pub offer: String,
    pub benefit: Benefit,
    pub at_most_minor: i64,
    pub stay: StayId,
    /// The merchant's own name, or an operator's.
    pub by: String,
    pub given_at: Timestamp,
    pub state: ValidationState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ValidationState {
    Given,
    /// What it took off the fee, at the merchant's cost.
    Used {
        /// `None`: it left nothing to pay.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<OrderId>,
        minor: i64,
    },
    Revoked,
    /// Its stay left without needing it.
    Lapsed,
}

/// A part of a stay's fee that a person let go: a free release, or a lower fee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    pub at: Timestamp,
    pub minor: i64,
    pub who: String,
    pub reason: String,
    /// The operator's shift at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<ShiftId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<LaneId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

/// What an operator does with money. Amounts in minor units of the site's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TillAct {
    OpenShift {
        booth: BoothId,
        /// Counted by the operator.
        float_minor: i64,
    },
    CloseShift {
        booth: BoothId,
        counted_minor: i64,
    },
    /// Takes the drawer over from whoever has it: both count it once, and what it holds is the new float.
    TakeOver {
        booth: BoothId,
        counted_minor: i64,
    },
    TakeCash {
        order: OrderId,
        tendered_minor: i64,
    },
    /// `cash` as it is on record.
    RefundCash {
        cash: Cash,
        amount_minor: i64,
        reason: String,
    },
    /// The vehicle that waits in the lane pays this and no more.
    SetFee {
        lane: LaneId,
        amount_minor: i64,
        reason: String,
    },
    /// The vehicle in the lane is not on record as having come in.
    GiveEntry {
        lane: LaneId,
        /// `None`: as read.
        plate: Option<Plate>,
        /// `None`: nobody knows; the tariff's fee for a lost entry.
        entered_at: Option<Timestamp>,
        reason: String,
    },
    Forgive {
        arrears: ArrearsId,
        reason: String,
    },
    /// Nobody saw it leave, and it is not inside.
    EndStay {
        stay: StayId,
        reason: String,
    },
    /// A second operator, who proved to be there, agrees to it.
    Seconded {
        second: String,
        act: Box<TillAct>,
    },
}

/// What an operator did with money at a lane or for a plate, as it stands on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TillDid {
    FeeSet,
    EntryGiven,
    Forgave,
    CashRefunded,
    /// Of a payment through the bank.
    RefundAsked,
    RefundApproved,
    RefundDenied,
    /// A payment nobody knew the end of was asked about, or closed, by hand.
    PaymentAsked,
    PaymentClosed,
    /// A merchant transferred what it owes.
    MerchantPaid,
    /// A person said what the bank's portal says of a payment, or made a refund there.
    PortalPaid,
    PortalUnpaid,
    PortalRefunded,
    /// What was bound to a plate was to be ended.
    AgreementEnded,
    /// An operator saw that a vehicle is not inside any more; the amount is what it would have owed.
    StayEnded,
}

/// What a person does about a payment nobody knows the end of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentAct {
    /// How does it stand?
    Ask,
    /// Nobody should pay by it any more.
    Close,
    /// What the bank's portal says of one that the bank cannot be asked about; `note`: the bank's number, or what is seen
    /// there.
    Portal { paid: bool, note: String },
}

/// What an operator does about merchants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MerchantAct {
    /// `None`: a new one.
    Put {
        id: Option<MerchantId>,
        name: String,
        offers: Vec<Offer>,
        budget_minor: i64,
    },
    Suspend {
        id: MerchantId,
        suspended: bool,
    },
    /// Who bears its discounts from now on.
    Bear {
        id: MerchantId,
        on_site: bool,
    },
    /// So much of what it owes has come, in minor units; below zero: that was a mistake.
    Paid {
        id: MerchantId,
        minor: i64,
        reason: String,
    },
}
