//! Tickets' past and their reports, for pages, from the tables. Sells nothing and knows no page.

use jiff::{Timestamp, civil::Date};

use super::pages::{Tables, odd};
use crate::{
    core::{money::Order, selling::Bought, slot::Slot, ticket::Ticket},
    http::ports::{Found, Row, TicketPast, TicketRecords, Visits},
    store::{self, Past},
    types::{CodeDigest, LaneId, OrderId, TicketId},
};

/// Of one visitor.
const VISITOR_TICKETS_MAX: u32 = 50;

impl TicketRecords for Tables {
    fn of_order(&self, order: OrderId) -> Found<'_, Vec<Ticket>> {
        Box::pin(async move { self.reader.tickets_of_order(order).await.map_err(odd) })
    }

    fn bought(&self, order: OrderId) -> Found<'_, Option<Bought>> {
        Box::pin(async move { self.reader.bought(order).await.map_err(odd) })
    }

    fn past(&self, ticket: TicketId) -> Found<'_, TicketPast> {
        Box::pin(async move {
            let admissions = self.reader.admissions_of(ticket).await.map_err(odd)?;
            let acts = self.reader.ticket_history(ticket).await.map_err(odd)?;
            let row = |past: Past| Row { seq: past.seq, at: past.at, change: past.change };
            Ok(TicketPast { admissions, acts: acts.into_iter().map(row).collect() })
        })
    }

    fn order_of_pickup(&self, digest: CodeDigest) -> Found<'_, Option<Order>> {
        Box::pin(async move { self.reader.order_of_pickup(&digest).await.map_err(odd) })
    }

    fn orders(&self, limit: u32) -> Found<'_, Vec<Order>> {
        Box::pin(async move { self.reader.orders_of_tickets(limit).await.map_err(odd) })
    }

    fn cash_waiting(&self, limit: u32) -> Found<'_, Vec<(Order, i64)>> {
        Box::pin(async move { self.reader.cash_waiting(limit).await.map_err(odd) })
    }

    fn keep_visitor(&self, visitor: CodeDigest, sealed: Vec<u8>) -> Found<'_, ()> {
        Box::pin(async move {
            let now = self.app.now();
            self.accounts.keep_visitor(&visitor, &sealed, now).await.map_err(odd)
        })
    }

    fn kept_visitor(&self, visitor: CodeDigest) -> Found<'_, Option<Vec<u8>>> {
        Box::pin(async move { self.reader.visitor_sealed(&visitor).await.map_err(odd) })
    }

    fn of_visitor(&self, digest: CodeDigest, from: Timestamp) -> Found<'_, Vec<Ticket>> {
        Box::pin(async move {
            self.reader.tickets_of_visitor(&digest, from, VISITOR_TICKETS_MAX).await.map_err(odd)
        })
    }

    fn visits(&self, from: Timestamp, to: Timestamp) -> Found<'_, Vec<Visits>> {
        Box::pin(async move {
            let visits = self.reader.visits(from, to, self.currency).await.map_err(odd)?;
            Ok(visits.into_iter().map(shown).collect())
        })
    }

    fn sold(&self, from: Timestamp, to: Timestamp) -> Found<'_, Vec<Visits>> {
        Box::pin(async move {
            let sold = self.reader.sold_between(from, to, self.currency).await.map_err(odd)?;
            Ok(sold.into_iter().map(shown).collect())
        })
    }

    fn passages(&self, from: Timestamp, to: Timestamp) -> Found<'_, Vec<(LaneId, i64, i64)>> {
        Box::pin(async move { self.reader.passages_by_hour(from, to).await.map_err(odd) })
    }

    fn slots(&self, from: Date, until: Date) -> Found<'_, Vec<Slot>> {
        Box::pin(async move { self.reader.slots(from, until).await.map_err(odd) })
    }
}

fn shown(of: store::Visits) -> Visits {
    Visits {
        slot: of.slot.unwrap_or_default(),
        product: of.product,
        counter: of.counter,
        sold: of.sold,
        came: of.came,
        returned: of.returned,
        taken: of.taken,
    }
}
