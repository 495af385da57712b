//! Looks up codes of tickets that are over, so that their holders are told why. Decides nothing.

use tracing::warn;

use crate::{
    app::App,
    core::Input,
    store::Reader,
    types::{CodeDigest, LaneId},
};

/// Asks the tables; the answer comes back as an input.
#[derive(Clone, Debug)]
pub struct Tickets {
    pub app: App,
    pub reader: Reader,
}

impl Tickets {
    /// Never blocks.
    pub fn find(&self, lane: LaneId, digest: CodeDigest) {
        let tickets = self.clone();
        tokio::spawn(async move {
            let found = tickets.reader.ticket_of(&digest).await;
            let ticket = found.unwrap_or_else(|trouble| {
                warn!(%trouble, "a code could not be looked up; it lets nobody in");
                None
            });
            let _ = tickets.app.submit(Input::TicketFound { lane, digest, ticket }, None).await;
        });
    }
}
