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
}

/// Sums of a shift, in minor units of the site's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// Cash taken for an order. Never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cash {
    pub id: CashId,
    pub order: OrderId,
    pub shift: ShiftId,
    pub amount: Money,
    /// What the driver gave; the rest went back as change.
    pub tendered: Money,
    pub at: Timestamp,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

/// What a merchant may give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub name: String,
    pub benefit: Benefit,
    /// What one is worth at most, against the budget before it is used.
    pub at_most_minor: i64,
}

/// One discount a merchant gave to one stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    pub id: ValidationId,
    pub merchant: MerchantId,
    pub offer: String,
    pub benefit: Benefit,
    pub stay: StayId,
    pub given_at: Timestamp,
    pub state: ValidationState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ValidationState {
    Given,
    /// What it took off the fee.
    Used {
        order: OrderId,
        minor: i64,
    },
    Revoked,
    /// Its stay left without needing it.
    Lapsed,
}
