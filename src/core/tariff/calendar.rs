//! Which days are holidays, working days in their place, or days of their own. Knows no price.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::civil::Date;
use serde::Deserialize;

/// A site's calendar: what no weekday tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calendar {
    /// Public holidays.
    pub holidays: BTreeSet<Date>,
    /// Saturdays and Sundays that are worked in exchange (调休).
    pub working: BTreeSet<Date>,
    /// Days with a name of their own, such as `event`.
    pub named: BTreeMap<Arc<str>, BTreeSet<Date>>,
}
