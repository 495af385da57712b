//! What the pages need of invoices. Knows no provider.

use super::{Busy, Found};
use crate::{
    core::{
        self,
        invoice::{Invoice, WentBack},
        money::Order,
    },
    types::{Buyer, Contact, OrderId},
};

/// An order, what went back of it, and all its invoices, oldest first.
#[derive(Clone, Debug)]
pub struct InvoiceFile {
    pub order: Order,
    pub went_back: Vec<WentBack>,
    pub invoices: Vec<Invoice>,
}

impl InvoiceFile {
    /// The claim that counts: the last one that takes nothing back.
    pub fn last(&self) -> Option<&Invoice> {
        self.invoices.iter().rfind(|invoice| invoice.red_of.is_none())
    }
}

/// Who claims an invoice.
#[derive(Clone, Debug)]
pub struct Claimant {
    pub buyer: Buyer,
    /// `None`: as it was given before, if it was.
    pub to: Option<Contact>,
    /// The operator who asks; `None`: whoever holds the link.
    pub by: Option<String>,
}

pub type ClaimReply = Result<core::Reply, Busy>;

/// A site that issues invoices.
pub trait InvoiceDesk: Send + Sync + 'static {
    /// `None`: there is no such order.
    fn file(&self, order: OrderId) -> Found<'_, Option<InvoiceFile>>;

    /// Waits until the claim is on disk. Claims of one order come one after the other.
    fn claim(&self, order: OrderId, claimant: Claimant) -> Found<'_, Option<ClaimReply>>;

    /// Latest first; `search` as an operator types it: part of a title, a number, an order; empty: all.
    fn list(&self, search: String, limit: u32) -> Found<'_, Vec<Invoice>>;
}
