//! Which account holds which client id, so that no device can push another off the broker by
//! signing in under its client id. Knows nothing of topics.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rmqtt::types::Id;
use tokio::time::Instant;

/// How long a client id stays reserved for a connection that was let in but never came up.
const SIGN_IN_LIMIT: Duration = Duration::from_secs(30);
/// From this many entries on, reservations that came to nothing are swept.
const SWEEP_FROM: usize = 256;

#[derive(Debug)]
struct Lease {
    username: String,
    /// A connection is being set up since then.
    pending: Option<Instant>,
    /// The session that holds the client id.
    session: Option<Id>,
}

impl Lease {
    fn is_free(&self, now: Instant) -> bool {
        let pending = self.pending.is_some_and(|since| now - since < SIGN_IN_LIMIT);
        self.session.is_none() && !pending
    }
}

/// All client ids in use.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<HashMap<String, Lease>>);

impl Leases {
    /// Reserves `client_id` for `username`; or the name of the account that has it.
    pub(super) fn take(&self, client_id: &str, username: &str, now: Instant) -> Result<(), String> {
        let mut leases = self.lock();
        if let Some(lease) = leases.get_mut(client_id) {
            if lease.username != username && !lease.is_free(now) {
                return Err(lease.username.clone());
            }
            if lease.username == username {
                lease.pending = Some(now);
                return Ok(());
            }
        }
        if leases.len() >= SWEEP_FROM {
            leases.retain(|_, lease| !lease.is_free(now));
        }
        let lease = Lease { username: username.to_owned(), pending: Some(now), session: None };
        leases.insert(client_id.to_owned(), lease);
        Ok(())
    }

    /// The connection is up.
    pub(super) fn hold(&self, session: &Id) {
        if let Some(lease) = self.lock().get_mut(&*session.client_id) {
            lease.pending = None;
            lease.session = Some(session.clone());
        }
    }

    /// The session is gone; a newer one under the same client id keeps the lease.
    pub(super) fn release(&self, session: &Id) {
        let mut leases = self.lock();
        let Some(lease) = leases.get_mut(&*session.client_id) else { return };
        if lease.session.as_ref() == Some(session) {
            lease.session = None;
            if lease.pending.is_none() {
                leases.remove(&*session.client_id);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Lease>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(client_id: &'static str, port: u16) -> Id {
        let addr = Some(([127, 0, 0, 1], port).into());
        Id::new(1, 1883, None, addr, client_id.into(), None)
    }

    #[test]
    fn a_client_id_belongs_to_one_account_at_a_time() {
        let leases = Leases::default();
        let now = Instant::now();
        assert_eq!(leases.take("c", "a", now), Ok(()));
        assert_eq!(leases.take("c", "b", now), Err("a".into()), "while signing in");
        assert_eq!(leases.take("c", "b", now + SIGN_IN_LIMIT), Ok(()), "it never came up");

        // A session is made once: it knows when.
        let (first, second) = (id("c", 1), id("c", 2));
        leases.hold(&first);
        let later = now + 10 * SIGN_IN_LIMIT;
        assert_eq!(leases.take("c", "a", later), Err("b".into()), "while connected");
        assert_eq!(leases.take("c", "b", later), Ok(()), "the same account may take over");
        leases.hold(&second);
        leases.release(&first);
        assert_eq!(leases.take("c", "a", later), Err("b".into()), "the new session has it");
        leases.release(&second);
        assert_eq!(leases.take("c", "a", later), Ok(()));
    }

    #[test]
    fn reservations_that_came_to_nothing_are_swept() {
        let leases = Leases::default();
        let now = Instant::now();
        for number in 0..SWEEP_FROM {
            assert_eq!(leases.take(&number.to_string(), "a", now), Ok(()));
        }
        assert_eq!(leases.take("last", "a", now + SIGN_IN_LIMIT), Ok(()));
        assert_eq!(leases.lock().len(), 1);
    }
}
