//! Looks up what is over: codes of tickets, so that their holders are told why, and earlier visits. Decides nothing.

use jiff::Timestamp;
use tracing::warn;

use crate::{
    app::App,
    core::{Input, presented::Presented, ticket::NotAdmitted},
    store::Reader,
    types::{ClosureId, LaneId, OrderId, Plate, StayId, TicketId},
};

/// Of whom nothing is known for so long is a stranger.
const PERSON_PAST: jiff::SignedDuration = jiff::SignedDuration::from_hours(48);

/// Asks the tables; the answer comes back as an input.
#[derive(Clone, Debug)]
pub struct Tickets {
    pub app: App,
    pub reader: Reader,
}

impl Tickets {
    /// Never blocks. What cannot be looked up now lets nobody in, and says so.
    pub fn find(&self, lane: LaneId, shown: Presented) {
        let tickets = self.clone();
        tokio::spawn(async move {
            let found = match &shown {
                Presented::Signed(claims, ..) => tickets.reader.ticket(claims.ticket).await,
                Presented::Code(digest) => tickets.reader.ticket_of(digest).await,
                Presented::Ticket(id) => tickets.reader.ticket(*id).await,
                // The latest of those that are over tells why.
                Presented::Person(digest) => {
                    let since = tickets.app.now() - PERSON_PAST;
                    let found = tickets.reader.tickets_of_visitor(digest, since, 50).await;
                    found.map(|mut found| found.pop())
                }
                Presented::Bad(_) => Ok(None),
            };
            let input = match found {
                Ok(ticket) => Input::TicketFound { lane, shown, ticket },
                Err(trouble) => {
                    warn!(%trouble, %lane, "a code could not be looked up; it lets nobody in");
                    Input::Scanned { lane, shown: Presented::Bad(NotAdmitted::Unchecked) }
                }
            };
            let _ = tickets.app.submit(input, None).await;
        });
    }

    /// Never blocks. Without an answer the stay is priced as the first of its plate.
    pub fn find_visits(&self, stay: StayId, plate: Plate, since: Timestamp) {
        let tickets = self.clone();
        tokio::spawn(async move {
            match tickets.reader.visits_before(stay, &plate, since).await {
                Ok(visits) if visits.is_empty() => {}
                Ok(visits) => {
                    let _ = tickets.app.submit(Input::VisitsFound { stay, visits }, None).await;
                }
                Err(trouble) => warn!(%trouble, %stay, "earlier visits could not be looked up"),
            }
        });
    }

    /// Never blocks. Without an answer the core asks again.
    pub fn find_bought(&self, closure: ClosureId, after: TicketId, orders: Vec<OrderId>) {
        let tickets = self.clone();
        tokio::spawn(async move {
            let mut bought = Vec::with_capacity(orders.len());
            for order in orders {
                match tickets.reader.bought(order).await {
                    Ok(found) => bought.extend(found),
                    Err(trouble) => {
                        warn!(%trouble, %closure, "what was bought cannot be looked up now");
                        return;
                    }
                }
            }
            let found = Input::ClosureFound { closure, after, bought };
            let _ = tickets.app.submit(found, None).await;
        });
    }
}

#[cfg(test)]
#[path = "tickets_tests.rs"]
mod tests;
