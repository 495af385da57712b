//! Delivers notifications to the site and tells the model whether they were answered rightly.
//! Decides neither what they say nor when they are due.

use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::RequestBuilder;
use tokio::sync::Notify;
use tracing::{info, warn};

use super::{model::Bank, words::Notice};

/// A site that takes longer has not answered.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long the loop sleeps when it does not know of anything due.
const IDLE: Duration = Duration::from_hours(1);

/// A gateway that notifies.
pub(super) trait Teller: Send + Sync + 'static {
    fn bank(&self) -> MutexGuard<'_, Bank>;
    /// By the bank's own clock.
    fn now(&self) -> Timestamp;
    /// Woken when a notification may have fallen due.
    fn woken(&self) -> &Notify;
    /// The notification as it goes over the wire, signed.
    fn letter(&self, post: RequestBuilder, notice: &Notice) -> RequestBuilder;
    /// Whether the site's reply says that it took note.
    fn is_accepted(&self, reply: &str) -> bool;
}

/// Runs until the gateway stops.
pub(super) async fn deliver<T: Teller>(shared: Arc<T>, client: reqwest::Client) {
    loop {
        // The clock may be the bank's to tell, so it is read first.
        let now = shared.now();
        let (due, next) = {
            let mut bank = shared.bank();
            (bank.due_notices(now), bank.next_deadline())
        };
        for notice in due {
            tokio::spawn(deliver_one(shared.clone(), client.clone(), notice));
        }
        let pause = next.map_or(IDLE, |at| {
            at.duration_since(shared.now()).try_into().unwrap_or(Duration::ZERO)
        });
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.woken().notified() => {}
        }
    }
}

async fn deliver_one<T: Teller>(shared: Arc<T>, client: reqwest::Client, notice: Notice) {
    let post = client.post(&notice.notify_url).timeout(ANSWER_WITHIN);
    let sent = shared.letter(post, &notice).send().await;
    let body = match sent {
        Ok(reply) if reply.status() == 200 => reply.text().await.unwrap_or_default(),
        Ok(reply) => format!("HTTP {}", reply.status()),
        Err(e) => e.to_string(),
    };
    let accepted = shared.is_accepted(&body);
    let (msg_id, attempt) = (notice.msg_id.as_str(), notice.attempt);
    if accepted {
        info!(msg_id, attempt, "the site took note of a payment");
    } else {
        warn!(msg_id, attempt, body, "the site did not answer a notification as it must");
    }
    let now = shared.now();
    shared.bank().notice_answered(notice.id, accepted, now);
    shared.woken().notify_one();
}
