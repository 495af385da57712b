//! A way in for devices without an account, open only while somebody listens: they may sign in and speak, what they
//! say goes to that listener alone, and they are cut off at the end. Nothing of it reaches a topic.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::mpsc;

/// Strangers let in during one window.
const STRANGERS_MAX: usize = 16;

/// What a stranger published.
#[derive(Clone, Debug)]
pub struct Said {
    pub username: String,
    pub topic: String,
    pub payload: Bytes,
}

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Quarantine {
    window: Arc<Mutex<Window>>,
    /// Cuts the connections of these names.
    cut: Option<mpsc::WeakUnboundedSender<Vec<String>>>,
}

#[derive(Default)]
struct Window {
    /// Which window this is; an older one cannot close it.
    number: u64,
    sink: Option<mpsc::Sender<Said>>,
    names: BTreeSet<String>,
}

impl Quarantine {
    pub(super) fn with_cut(&self, cut: &mpsc::UnboundedSender<Vec<String>>) -> Self {
        Self { window: Arc::clone(&self.window), cut: Some(cut.downgrade()) }
    }

    /// Lets strangers in until the guard is dropped, or until another window is opened.
    pub fn open(&self, sink: mpsc::Sender<Said>) -> Open {
        let mut window = self.lock();
        window.number += 1;
        window.sink = Some(sink);
        Open { number: window.number, quarantine: self.clone() }
    }

    /// Whether a name nobody has may sign in.
    pub(super) fn lets_in(&self, username: &str) -> bool {
        let mut window = self.lock();
        if window.sink.is_none() || window.names.len() >= STRANGERS_MAX {
            return window.sink.is_some() && window.names.contains(username);
        }
        window.names.insert(username.to_owned());
        true
    }

    /// `true`: taken over, to be passed on to nobody.
    pub(super) fn takes(&self, username: &str, topic: &str, payload: &Bytes) -> bool {
        let window = self.lock();
        let Some(sink) = window.sink.as_ref().filter(|_| window.names.contains(username)) else {
            return false;
        };
        let said = Said {
            username: username.to_owned(),
            topic: topic.to_owned(),
            payload: payload.clone(),
        };
        // A listener that is behind misses some: they are strangers.
        let _ = sink.try_send(said);
        true
    }

    fn close(&self, number: u64) {
        let mut window = self.lock();
        if window.number != number {
            return;
        }
        window.sink = None;
        let names: Vec<String> = std::mem::take(&mut window.names).into_iter().collect();
        drop(window);
        let cut = self.cut.as_ref().and_then(mpsc::WeakUnboundedSender::upgrade);
        if let (Some(cut), false) = (cut, names.is_empty()) {
            let _ = cut.send(names);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Quarantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Quarantine(open: {})", self.lock().sink.is_some())
    }
}

/// An open window; dropped, it closes and the strangers are cut off.
#[derive(Debug)]
pub struct Open {
    number: u64,
    quarantine: Quarantine,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.quarantine.close(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_let_in_unless_somebody_listens() {
        let (cut, mut cuts) = mpsc::unbounded_channel();
        let quarantine = Quarantine::default();
        let handle = quarantine.with_cut(&cut);
        let payload = Bytes::from_static(b"{}");
        assert!(!quarantine.lets_in("new") && !quarantine.takes("new", "a", &payload));
        let (sink, mut said) = mpsc::channel(1);
        let open = handle.open(sink);
        assert!(!quarantine.takes("old", "a", &payload), "one that did not sign in as a stranger");
        assert!(quarantine.lets_in("new") && quarantine.takes("new", "a", &payload));
        assert!(quarantine.takes("new", "b", &payload), "a full listener loses it, nobody gets it");
        assert_eq!(said.try_recv().unwrap().topic, "a");
        assert!(said.try_recv().is_err());
        for n in 0..STRANGERS_MAX {
            quarantine.lets_in(&format!("n{n}"));
        }
        assert!(!quarantine.lets_in("one too many") && quarantine.lets_in("new"));
        drop(open);
        assert!(!quarantine.lets_in("new") && !quarantine.takes("new", "a", &payload));
        assert!(cuts.try_recv().unwrap().contains(&"new".to_owned()));
    }
}
