//! How a site sells tickets. Knows no ticket and no gate.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    core::{product::Product, slot::Schedule},
    types::{CodeDigest, CounterId, OrderId, ProductId, ScheduleId, TicketId},
};

/// Digests of the codes that are made for tickets and orders. They are keyed: nobody without the site's secret makes
/// one. The same number gives the same code for ever.
pub trait ShortCodes: std::fmt::Debug + Send + Sync {
    /// Of the code that is typed for an edition of a ticket.
    fn ticket(&self, ticket: TicketId, edition: u8) -> CodeDigest;

    /// Of the code that paper tickets of an order are collected with. `again` counts from 0: a code that another order
    /// has by chance is made anew.
    fn pickup(&self, order: OrderId, again: u8) -> CodeDigest;
}

#[derive(Clone, Debug)]
pub struct ShopRules {
    /// Places are held so long for an order that is not paid. Default 15 minutes: a payer's link lives five, twice.
    pub hold: Duration,
    /// Persons of one order at most, besides groups. Default 20.
    pub persons_max: u32,
    /// A slot stays in memory so long after it ended, for late returns. Default 30 days.
    pub slot_kept: Duration,
    /// Orders that a closure gives back at a time. Default 20, so that gates and payments go on between.
    pub closure_batch: u32,
    pub products: BTreeMap<ProductId, Product>,
    pub schedules: BTreeMap<ScheduleId, Schedule>,
    /// Counters that settle by account: they confirm what they sell, and are sent the bill.
    pub on_account: Vec<CounterId>,
    /// `None`: no keys, so nothing can be sold.
    pub codes: Option<Arc<dyn ShortCodes>>,
}

impl Default for ShopRules {
    fn default() -> Self {
        Self {
            hold: Duration::from_mins(15),
            persons_max: 20,
            slot_kept: Duration::from_hours(30 * 24),
            closure_batch: 20,
            products: BTreeMap::new(),
            schedules: BTreeMap::new(),
            on_account: Vec::new(),
            codes: None,
        }
    }
}
