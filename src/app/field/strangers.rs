//! Those who speak and whom the site file does not name: a few of them, by where they spoke, with the profiles that
//! understand them. Of what they said only the shape is kept. Answers nobody.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use paifang_devices::learn::{Stranger, propose};
use tokio::sync::Semaphore;

use super::{health::clock, shape::shape};
use crate::http::ports::{DeviceCall, Guess, StrangerReport};

/// The longest forgotten goes first.
const STRANGERS_MAX: usize = 32;
const PLACE_CHARS_MAX: usize = 160;

#[derive(Clone, Debug)]
pub struct Strangers {
    seen: Arc<Mutex<VecDeque<StrangerReport>>>,
    /// One message is tried with every profile at a time: a stranger may not cost much.
    trying: Arc<Semaphore>,
}

impl Default for Strangers {
    fn default() -> Self {
        Self { seen: Arc::default(), trying: Arc::new(Semaphore::new(1)) }
    }
}

impl Strangers {
    /// The latest first.
    pub fn reports(&self) -> Vec<StrangerReport> {
        self.lock().iter().rev().cloned().collect()
    }

    /// `from`: the account, as far as it is known.
    pub fn heard_mqtt(&self, from: &str, topic: &str, payload: &Bytes) {
        let (topic_, payload_) = (topic.to_owned(), payload.clone());
        self.heard(from, topic, payload.len(), move || {
            let stranger = Stranger::Mqtt { topic: &topic_, payload: &payload_ };
            (shape(None, &payload_), propose(&stranger))
        });
    }

    pub fn heard_http(&self, call: DeviceCall) {
        let place = format!("/device/{}{}", call.device, call.path);
        let (from, body) = (call.from.clone(), call.body.clone().unwrap_or_default());
        self.heard(&from, &place, body.len(), move || {
            let content_type = call.content_type.as_deref();
            let (path, query) = (call.path.as_str(), call.query.as_str());
            let stranger = Stranger::Http { path, query, content_type, body: &body };
            (shape(content_type, &body), propose(&stranger))
        });
    }

    fn heard(
        &self,
        from: &str,
        place: &str,
        bytes: usize,
        learn: impl FnOnce() -> (String, Vec<paifang_devices::learn::Proposal>) + Send + 'static,
    ) {
        let (_, now) = clock();
        let place: String = place.chars().take(PLACE_CHARS_MAX).collect();
        let mut seen = self.lock();
        let known = seen.iter().position(|s| s.place == place).and_then(|at| seen.remove(at));
        let report = match known {
            Some(known) => StrangerReport { last: now, count: known.count + 1, bytes, ..known },
            None => StrangerReport {
                first: now,
                last: now,
                count: 1,
                place: place.clone(),
                from: from.chars().take(64).collect(),
                bytes,
                shape: String::new(),
                guesses: Vec::new(),
            },
        };
        seen.push_back(report);
        if seen.len() > STRANGERS_MAX {
            seen.pop_front();
        }
        drop(seen);
        let Ok(turn) = Arc::clone(&self.trying).try_acquire_owned() else { return };
        let strangers = self.clone();
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let (shape, proposals) = learn();
            strangers.learned(&place, shape, proposals);
        });
    }

    /// A message that says more goes before one that says less.
    fn learned(
        &self,
        place: &str,
        shape: String,
        proposals: Vec<paifang_devices::learn::Proposal>,
    ) {
        let guesses: Vec<Guess> = proposals
            .into_iter()
            .map(|p| Guess {
                profile: p.profile,
                sn: p.sn,
                says: p.says.into_iter().map(str::to_owned).collect(),
            })
            .collect();
        let said = |guesses: &[Guess]| guesses.iter().map(|g| 1 + g.says.len()).max().unwrap_or(0);
        let mut seen = self.lock();
        let Some(report) = seen.iter_mut().find(|s| s.place == place) else { return };
        if report.shape.is_empty() || said(&guesses) >= said(&report.guesses) {
            (report.shape, report.guesses) = (shape, guesses);
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<StrangerReport>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
