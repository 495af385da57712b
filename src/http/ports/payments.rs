//! What the pages of payments, and the programs of counters, need of the tables. Knows no table.

use jiff::Timestamp;

use super::{Found, Row};
use crate::{
    core::money::{Order, Payment, Refund},
    types::{CounterId, OrderId, PaymentId},
};

/// All that is known of a payment.
#[derive(Clone, Debug)]
pub struct PaymentFile {
    pub payment: Payment,
    pub order: Order,
    /// Oldest first.
    pub refunds: Vec<Refund>,
    /// Its own changes, its refunds', and what people did about it, oldest first.
    pub history: Vec<Row>,
}

/// A counter whose program may sell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    pub id: CounterId,
    /// The operator who gave out its token.
    pub made_by: String,
    pub made_at: Timestamp,
}

/// Questions to the tables, and the tokens of counters. A program is known by the SHA-256 of its token, which is kept
/// nowhere.
pub trait PaymentRecords: Send + Sync + 'static {
    fn payment(&self, id: PaymentId) -> Found<'_, Option<PaymentFile>>;

    /// What goes or went back of an order's payments, oldest first.
    fn refunds_of_order(&self, order: OrderId) -> Found<'_, Vec<Refund>>;

    /// What a counter sold under its own number, also long ago.
    fn sale(&self, counter: CounterId, key: String) -> Found<'_, Option<Order>>;

    /// By name.
    fn counters(&self) -> Found<'_, Vec<Counter>>;

    /// Adds the counter or replaces its token.
    fn put_counter(&self, counter: CounterId, token: [u8; 32], made_by: String) -> Found<'_, ()>;

    fn drop_counter(&self, counter: CounterId) -> Found<'_, ()>;

    fn counter_of_token(&self, token: [u8; 32]) -> Found<'_, Option<CounterId>>;
}
