//! What an operator changed of what the site sells and gives, as it goes on record. Changes nothing itself.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Beside the change it tells of, in the same decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficeActed {
    pub who: String,
    pub did: OfficeDid,
    /// The merchant's name, or the time slot.
    pub about: String,
    /// The day of a slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Date>,
    /// What it is from now on, or the reason that was given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfficeDid {
    /// Made a merchant, or changed its name, budget or offers.
    MerchantPut,
    MerchantSuspended,
    MerchantResumed,
    /// The site bears its discounts from now on.
    MerchantOnSite,
    /// It bears them itself.
    MerchantOwn,
    SlotPlaces,
    SlotClosed,
    SlotReopened,
}
