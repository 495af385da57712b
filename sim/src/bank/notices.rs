//! Delivers notifications to the site and tells the model whether they were answered rightly.
//! Decides neither what they say nor when they are due.

use std::{sync::Arc, time::Duration};

use tracing::{info, warn};

use super::{
    gateway::{Shared, now},
    wire,
    words::Notice,
};

/// A site that takes longer has not answered.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long the loop sleeps when it does not know of anything due.
const IDLE: Duration = Duration::from_hours(1);

/// Runs until the gateway stops.
pub(super) async fn deliver(shared: Arc<Shared>, client: reqwest::Client) {
    loop {
        let (due, next) = {
            let mut bank = shared.bank();
            (bank.due_notices(now()), bank.next_deadline())
        };
        for notice in due {
            tokio::spawn(deliver_one(shared.clone(), client.clone(), notice));
        }
        let pause =
            next.map_or(IDLE, |at| at.duration_since(now()).try_into().unwrap_or(Duration::ZERO));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.paid.notified() => {}
        }
    }
}

async fn deliver_one(shared: Arc<Shared>, client: reqwest::Client, notice: Notice) {
    let form = wire::notification(&shared.settings, &shared.keys, now(), &notice);
    let sent = client.post(&notice.notify_url).timeout(ANSWER_WITHIN).form(&form).send().await;
    let body = match sent {
        Ok(reply) if reply.status() == 200 => reply.text().await.unwrap_or_default(),
        Ok(reply) => format!("HTTP {}", reply.status()),
        Err(e) => e.to_string(),
    };
    let accepted = wire::reply_accepted(&shared.settings, &shared.keys, &body);
    let (msg_id, attempt) = (notice.msg_id.as_str(), notice.attempt);
    if accepted {
        info!(msg_id, attempt, "the site took note of a payment");
    } else {
        warn!(msg_id, attempt, body, "the site did not answer a notification as it must");
    }
    shared.bank().notice_answered(notice.id, accepted, now());
    shared.paid.notify_one();
}
