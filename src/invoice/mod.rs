//! Providers of invoices: who is asked to issue one, and by default two folders of files. Knows no order and no rule.

mod files;

use std::fmt;

use futures::future::BoxFuture;
use jiff::Timestamp;

pub use self::files::{FileExchange, Item, Seller};
use crate::types::{InvoiceAsk, InvoiceWord};

/// Somebody who issues invoices. The same question may come any number of times, also after a restart: its number says
/// that it is the same invoice.
pub trait Invoicer: fmt::Debug + Send + Sync {
    /// Asks for it, or how it stands.
    fn ask(&self, ask: InvoiceAsk) -> BoxFuture<'_, InvoiceWord>;

    /// Deletes what is kept of buyers' addresses from before `before`.
    fn forget(&self, before: Timestamp) -> BoxFuture<'_, ()>;
}
