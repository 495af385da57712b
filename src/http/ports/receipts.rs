//! What the pages need of the printers. Knows no printer.

use futures::future::BoxFuture;
use jiff::Timestamp;

use super::Slip;
use crate::core::{
    money::{Order, Payment},
    stay::Stay,
    till::Cash,
};

/// What a receipt is about.
#[derive(Clone, Debug)]
pub struct Paid {
    pub stay: Stay,
    pub order: Order,
    pub payment: Option<Payment>,
    pub cash: Option<Cash>,
    pub at: Timestamp,
    /// Where an invoice can be claimed, and the code for who types; `None`: the site issues none.
    pub invoice: Option<(String, String)>,
}

/// What became of a receipt; the texts are for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrintOutcome {
    /// The printer says that it is on paper.
    Printed,
    /// What was sent may come out with the next roll.
    PaperOut,
    /// Nothing was printed.
    Offline(String),
    /// It was sent; nobody knows what became of it.
    Unknown(String),
    /// It was not sent.
    Refused(String),
}

/// The printers.
pub trait Receipts: Send + Sync + 'static {
    /// Their names; none: the site has no printer.
    fn printers(&self) -> Vec<String>;

    /// Waits for the paper. `who` asked for it goes to the log.
    fn print(
        &self,
        printer: String,
        paid: Paid,
        is_zh: bool,
        who: String,
    ) -> BoxFuture<'_, PrintOutcome>;

    /// A paper ticket, cut off. Waits for the paper.
    fn print_ticket(
        &self,
        printer: String,
        slip: Slip,
        is_zh: bool,
        who: String,
    ) -> BoxFuture<'_, PrintOutcome>;
}
