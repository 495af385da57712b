//! Orders for a device that calls us: they wait for its next call, until they expire. Each is handed over once or told
//! as not delivered, never both. Knows no request.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use paifang_devices::Command;
use tokio::{sync::Notify, time::Instant};

use crate::types::{CommandId, LaneId};

/// More cannot make sense at once.
const LETTERS_MAX: usize = 16;

/// One order.
#[derive(Debug)]
pub struct Letter {
    pub command: Command,
    /// The text the device gets as its id.
    pub id: String,
    /// For an order to an arm: whom to tell what became of it.
    pub arm: Option<(CommandId, LaneId)>,
    /// Worth nothing from then on.
    pub until: Instant,
}

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    letters: Mutex<VecDeque<Letter>>,
    came: Notify,
}

impl Mailbox {
    /// Gives back what does not wait any more: the letter itself if there is no room, or an older order to the same
    /// arm, which the new one replaces.
    pub(super) fn put(&self, letter: Letter) -> Result<Vec<Letter>, Letter> {
        let mut letters = self.lock();
        if letters.len() >= LETTERS_MAX {
            return Err(letter);
        }
        let lane = letter.arm.as_ref().map(|(_, lane)| lane.clone());
        let (replaced, kept): (VecDeque<_>, _) =
            std::mem::take(&mut *letters).into_iter().partition(|old| {
                lane.is_some() && old.arm.as_ref().map(|(_, lane)| lane) == lane.as_ref()
            });
        *letters = kept;
        letters.push_back(letter);
        drop(letters);
        self.came.notify_waiters();
        Ok(replaced.into())
    }

    /// Lets `write` put the waiting orders, oldest first, into a reply. It says how many of them it took; those are
    /// handed over and given back, the others wait on. What has expired by `now` is not offered.
    pub(super) fn hand_over<R>(
        &self,
        now: Instant,
        write: impl FnOnce(&[(Command, String)]) -> (R, usize),
    ) -> (R, Vec<Letter>) {
        let mut letters = self.lock();
        let (mut due, late): (VecDeque<_>, _) =
            std::mem::take(&mut *letters).into_iter().partition(|letter| letter.until > now);
        let orders: Vec<_> =
            due.iter().map(|letter| (letter.command.clone(), letter.id.clone())).collect();
        let (written, taken) = write(&orders);
        let taken = due.drain(..taken.min(due.len())).collect();
        // The late ones are told by whoever looks for them.
        *letters = late;
        letters.append(&mut due);
        (written, taken)
    }

    /// Takes out what nobody came for in time.
    pub(super) fn expired(&self, now: Instant) -> Vec<Letter> {
        let mut letters = self.lock();
        let (late, due): (VecDeque<_>, _) =
            std::mem::take(&mut *letters).into_iter().partition(|letter| letter.until <= now);
        *letters = due;
        late.into()
    }

    /// Returns once something waits, or at `until`.
    pub(super) async fn wait(&self, until: Instant) {
        let came = self.came.notified();
        tokio::pin!(came);
        // Registered before the look, or a letter in between would be missed.
        came.as_mut().enable();
        if self.lock().iter().any(|letter| letter.until > Instant::now()) {
            return;
        }
        let _ = tokio::time::timeout_at(until, came).await;
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Letter>> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn order(n: i64, lane: &str, until: Instant) -> Letter {
        let arm = Some((CommandId(n), LaneId::parse(lane).unwrap()));
        Letter { command: Command::PulseOpen, id: format!("paifang-{n}"), arm, until }
    }

    fn ids(letters: &[Letter]) -> Vec<&str> {
        letters.iter().map(|letter| letter.id.as_str()).collect()
    }

    fn take(mailbox: &Mailbox, now: Instant, most: usize) -> Vec<Letter> {
        mailbox.hand_over(now, |orders| ((), orders.len().min(most))).1
    }

    #[tokio::test]
    async fn an_order_is_handed_over_once() {
        let (mailbox, now) = (Mailbox::default(), Instant::now());
        let soon = now + Duration::from_secs(3);
        assert!(mailbox.put(order(1, "a", soon)).unwrap().is_empty());
        assert!(mailbox.put(order(2, "b", soon)).unwrap().is_empty());
        assert_eq!(ids(&take(&mailbox, now, 1)), ["paifang-1"], "what a reply cannot carry waits");
        assert_eq!(ids(&take(&mailbox, now, 9)), ["paifang-2"]);
        assert!(take(&mailbox, now, 9).is_empty());
        assert!(mailbox.expired(soon).is_empty());
    }

    #[tokio::test]
    async fn a_late_order_is_told_and_never_handed_over() {
        let (mailbox, now) = (Mailbox::default(), Instant::now());
        let soon = now + Duration::from_secs(3);
        mailbox.put(order(1, "a", soon)).unwrap();
        assert!(mailbox.expired(soon - Duration::from_millis(1)).is_empty());
        assert!(take(&mailbox, soon, 9).is_empty());
        assert_eq!(ids(&mailbox.expired(soon)), ["paifang-1"]);
        assert!(mailbox.expired(soon).is_empty());
    }

    #[tokio::test]
    async fn a_new_order_replaces_the_old_one_of_its_arm() {
        let (mailbox, now) = (Mailbox::default(), Instant::now());
        let soon = now + Duration::from_secs(3);
        mailbox.put(order(1, "a", soon)).unwrap();
        mailbox.put(order(2, "b", soon)).unwrap();
        assert_eq!(ids(&mailbox.put(order(3, "a", soon)).unwrap()), ["paifang-1"]);
        assert_eq!(ids(&take(&mailbox, now, 9)), ["paifang-2", "paifang-3"]);
    }

    #[tokio::test]
    async fn a_full_box_gives_the_letter_back() {
        let (mailbox, soon) = (Mailbox::default(), Instant::now() + Duration::from_secs(3));
        for n in 0..16 {
            mailbox.put(order(n, &format!("lane-{n}"), soon)).unwrap();
        }
        assert_eq!(mailbox.put(order(99, "x", soon)).unwrap_err().id, "paifang-99");
    }

    #[tokio::test]
    async fn a_waiting_call_hears_of_a_letter_at_once() {
        let mailbox = std::sync::Arc::new(Mailbox::default());
        let far = Instant::now() + Duration::from_mins(1);
        let waiting = tokio::spawn({
            let mailbox = mailbox.clone();
            async move { mailbox.wait(far).await }
        });
        tokio::task::yield_now().await;
        mailbox.put(order(1, "a", far)).unwrap();
        tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
        mailbox.wait(far).await;
        take(&mailbox, Instant::now(), 9);
        mailbox.wait(Instant::now()).await;
    }
}
