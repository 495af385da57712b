//! Finds out whether a broker holds small packets back. For a check by hand, not for the running
//! daemon: it judges nothing by itself.

use std::time::Duration;

use tokio::time::sleep;

use super::{Link, PublishError, lock};

/// Enough that most come after the kernel has left its first, quick way of acknowledging.
const PAIRS: usize = 40;
const LOOK_EVERY: Duration = Duration::from_millis(1);

impl Link {
    /// The median time in microseconds until the broker has answered two empty messages sent at
    /// once on `topic`, on which nobody should listen.
    ///
    /// A broker without TCP_NODELAY holds its second answer back until our kernel acknowledges
    /// the first, 40 ms later: figures near 40,000 mean that every passage waits like this
    /// (mosquitto: `set_tcp_nodelay true`). Takes two seconds with such a broker.
    pub async fn probe_us(&self, topic: &str) -> Result<u64, PublishError> {
        let mut slowest = Vec::with_capacity(PAIRS);
        for _ in 0..PAIRS {
            let before = lock(&self.shared.flight).restart_slowest();
            self.publish(topic, Vec::new())?;
            self.publish(topic, Vec::new())?;
            slowest.push(self.slowest_us(before + 2).await?);
        }
        slowest.sort_unstable();
        Ok(slowest[PAIRS / 2])
    }

    /// The slowest answer, once the broker has given `answers` since the link was made.
    async fn slowest_us(&self, answers: u64) -> Result<u64, PublishError> {
        loop {
            sleep(LOOK_EVERY).await;
            if let Some(us) = lock(&self.shared.flight).slowest_us(answers) {
                return Ok(us);
            }
            if lock(&self.shared.live).is_none() {
                return Err(self.offline());
            }
            self.still_answers()?;
        }
    }
}
