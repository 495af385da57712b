//! Carries claims to the core and its questions to the provider of invoices, and looks up what went back. Decides
//! nothing.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tracing::{info, warn};

use super::{App, pages::odd};
use crate::{
    core::{
        AlarmKind, Input,
        invoice::{Claim, Invoice, InvoiceState},
        money::{Account, Earned},
    },
    crash_point::{self, Step},
    http::ports::{Busy, ClaimReply, Claimant, Found, InvoiceDesk, InvoiceFile},
    invoice::Invoicer,
    store::{Accounts, Reader, StoreError},
    types::{GivenBack, InvoiceAsk, InvoiceFor, InvoiceId, InvoiceWord, OrderId, RedOf},
};

/// A site's invoices. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Invoices {
    pub app: App,
    pub reader: Reader,
    pub accounts: Accounts,
    pub provider: Arc<dyn Invoicer>,
    pub keep_days: u32,
    /// One claim or red-letter invoice at a time: what is read of an order is still so when it is decided.
    pub one: Arc<Mutex<()>>,
}

/// Waits for what was decided so far to be on disk, so that the tables know it.
async fn settled(app: &App) -> Result<(), super::Busy> {
    let nothing = Input::Well { subject: String::new(), kind: AlarmKind::InvoiceTrouble };
    app.tell(nothing).await.map(drop)
}

impl Invoices {
    /// Asks in a task of its own; the word comes back as an input.
    pub fn ask(&self, id: InvoiceId) {
        let invoices = self.clone();
        tokio::spawn(async move {
            let word = match invoices.question(id).await {
                Ok(Some(ask)) => {
                    crash_point::at(Step::BeforeInvoice, "");
                    let word = invoices.provider.ask(ask).await;
                    crash_point::at(Step::InvoiceAsked, "");
                    word
                }
                Ok(None) => InvoiceWord::Waiting,
                Err(trouble) => {
                    warn!(%trouble, invoice = %id, "an invoice cannot be looked up now");
                    return;
                }
            };
            let _ = invoices.app.submit(Input::InvoiceSaid { invoice: id, word }, None).await;
        });
    }

    /// `None`: not yet, since what it takes back is not issued yet.
    async fn question(&self, id: InvoiceId) -> Result<Option<InvoiceAsk>, StoreError> {
        let Some(invoice) = self.reader.invoice(id).await? else { return Ok(None) };
        let red_of = match invoice.red_of {
            None => None,
            Some(blue) => match self.reader.invoice(blue).await? {
                Some(Invoice {
                    number,
                    state: InvoiceState::Issued { number: theirs, .. },
                    ..
                }) => Some(RedOf { ours: number, theirs }),
                _ => return Ok(None),
            },
        };
        let to = self.reader.invoice_contact(invoice.order).await?;
        let sold = self.reader.order(invoice.order).await?.map(|order| Earned::by(&order).account);
        let sold = match sold {
            Some(Account::TicketRevenue) => InvoiceFor::Tickets,
            Some(Account::SalesRevenue) => InvoiceFor::Sales,
            _ => InvoiceFor::Parking,
        };
        let Invoice { id, number, order, amount, buyer, made_at, .. } = invoice;
        Ok(Some(InvoiceAsk { id, number, order, sold, amount, buyer, to, made_at, red_of }))
    }

    /// Something went back: its order's invoice, if it has one, is told to the core.
    pub fn find(&self, undoes: GivenBack) {
        let invoices = self.clone();
        tokio::spawn(async move {
            if let Err(trouble) = invoices.found(undoes).await {
                // The next start looks again.
                warn!(%trouble, ?undoes, "the invoice of what went back cannot be looked up now");
            }
        });
    }

    async fn found(&self, undoes: GivenBack) -> Result<(), StoreError> {
        let _one = self.one.lock().await;
        if settled(&self.app).await.is_err() {
            return Ok(());
        }
        let Some((order, amount)) = self.reader.order_given_back(undoes).await? else {
            return Ok(());
        };
        let invoices = self.reader.invoices_of(order.id).await?;
        let is_red = |i: &Invoice| i.undoes == Some(undoes) && !i.state.is_nothing();
        if invoices.iter().any(is_red) {
            return Ok(());
        }
        let blue = invoices.into_iter().rfind(|i| i.red_of.is_none());
        if let Some(invoice) = blue {
            let _ = self.app.tell(Input::InvoiceFound { invoice, undoes, amount }).await;
        }
        Ok(())
    }

    /// After a start: what went back while nobody could look. Then, once an hour, old addresses are deleted.
    pub(super) async fn run(self) {
        match self.reader.not_in_red().await {
            Ok(all) => {
                for undoes in all {
                    if let Err(trouble) = self.found(undoes).await {
                        warn!(%trouble, ?undoes, "the invoice of what went back cannot be looked up");
                    }
                }
            }
            Err(trouble) => warn!(%trouble, "what went back cannot be looked up"),
        }
        let mut hour = tokio::time::interval(Duration::from_hours(1));
        loop {
            hour.tick().await;
            let days = SignedDuration::from_hours(24 * i64::from(self.keep_days));
            let Ok(before) = self.app.now().checked_sub(days) else { continue };
            self.forget(before).await;
        }
    }

    async fn forget(&self, before: Timestamp) {
        self.provider.forget(before).await;
        match self.accounts.drop_invoice_contacts(before).await {
            Ok(0) => {}
            Ok(dropped) => info!(dropped, "old addresses of buyers deleted"),
            Err(trouble) => warn!(%trouble, "old addresses of buyers could not be deleted"),
        }
    }

    async fn file(&self, order: OrderId) -> Result<Option<InvoiceFile>, StoreError> {
        let Some(order) = self.reader.order(order).await? else { return Ok(None) };
        let went_back = self.reader.went_back(&order).await?;
        let invoices = self.reader.invoices_of(order.id).await?;
        Ok(Some(InvoiceFile { order, went_back, invoices }))
    }

    async fn claimed(
        &self,
        order: OrderId,
        claimant: Claimant,
    ) -> Result<Option<ClaimReply>, StoreError> {
        let _one = self.one.lock().await;
        if settled(&self.app).await.is_err() {
            return Ok(Some(Err(Busy)));
        }
        let Some(file) = self.file(order).await? else { return Ok(None) };
        let former = file.last().cloned();
        let Claimant { buyer, to, by } = claimant;
        // Before it is asked for, since it goes along. Whoever comes second changes nothing.
        let is_free = former.as_ref().is_none_or(|former| former.state.is_nothing());
        if let Some(to) = to.filter(|_| is_free) {
            self.accounts.put_invoice_contact(order, &to, self.app.now()).await?;
        }
        let (order, went_back) = (file.order, file.went_back);
        let claim = Claim { order, went_back, former, buyer, by };
        Ok(Some(self.app.tell(Input::InvoiceAsked(claim)).await.map_err(|_| Busy)))
    }
}

impl InvoiceDesk for Invoices {
    fn file(&self, order: OrderId) -> Found<'_, Option<InvoiceFile>> {
        Box::pin(async move { self.file(order).await.map_err(odd) })
    }

    fn claim(&self, order: OrderId, claimant: Claimant) -> Found<'_, Option<ClaimReply>> {
        Box::pin(async move { self.claimed(order, claimant).await.map_err(odd) })
    }

    fn list(&self, search: String, limit: u32) -> Found<'_, Vec<Invoice>> {
        Box::pin(async move { self.reader.invoices(&search, limit).await.map_err(odd) })
    }
}

#[cfg(test)]
#[path = "invoices_tests.rs"]
mod tests;
