//! How a read is told from the reads before it. Keeps no plate, only its hash.

use std::collections::VecDeque;

use crc::{CRC_64_XZ, Crc};
use serde::Deserialize;

const HASH: Crc<u64> = Crc::<u64>::new(&CRC_64_XZ);
/// Reads remembered to recognise the second result of one.
const RECENT_MAX: usize = 16;
/// Quick and full result of one read are about 100 ms apart, so their whole seconds may differ.
const SAME_READ_MS: i64 = 1000;

/// Of a camera that reports one vehicle again and again as it sees it better.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Updates {
    /// Per cent. A report below it is not a read yet. Above it the first counts, and after that
    /// only another plate with more confidence, under the same event id.
    pub(crate) confidence_min: u8,
}

/// What a read can be recognised by.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    pub(super) unique_id: Option<String>,
    pub(super) counter: Option<String>,
    /// Hash of the text: ids are logged, plates are not.
    pub(super) plate: Option<u64>,
    pub(super) taken_at_ms: Option<i64>,
    /// Hash of the whole, where there is no moment: then only a true copy is the same read.
    pub(super) message: Option<u64>,
}

/// The same for the same text, on every machine.
pub(super) fn hash(text: &str) -> u64 {
    HASH.checksum(text.as_bytes())
}

impl Ids {
    /// The camera's own unique id where there is one; else its counter, which a replay repeats too;
    /// else moment and plate, since a vehicle cannot pass twice in one moment.
    fn event_id(&self) -> String {
        if let Some(id) = &self.unique_id {
            return format!("u:{id}");
        }
        if let Some(counter) = &self.counter {
            return format!("p:{counter}");
        }
        let plate = self.plate.unwrap_or_else(|| hash(""));
        match (self.taken_at_ms, self.message) {
            (Some(ms), _) => format!("t:{ms}:{plate:016x}"),
            (None, message) => format!("m:{:016x}", message.unwrap_or(plate)),
        }
    }

    fn same_read(&self, other: &Self) -> bool {
        let both = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some();
        if both(&self.unique_id, &other.unique_id) {
            return self.unique_id == other.unique_id;
        }
        if both(&self.counter, &other.counter) {
            return self.counter == other.counter;
        }
        let (Some(a), Some(b)) = (self.taken_at_ms, other.taken_at_ms) else { return false };
        self.plate.is_some() && self.plate == other.plate && a.abs_diff(b) <= SAME_READ_MS as u64
    }
}

/// A read of the last ones.
#[derive(Clone, Debug)]
struct Seen {
    ids: Ids,
    event_id: String,
    /// Plate and confidence of the last report of it that counted.
    told: Option<(Option<u64>, u8)>,
}

/// The last reads of one camera, so that a full result with more ids than its quick one still gets
/// the quick one's event id.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecentReads(VecDeque<Seen>);

impl RecentReads {
    /// The event id of a read, old or new.
    pub(super) fn event_id(&mut self, ids: Ids) -> String {
        if let Some(seen) = self.0.iter_mut().rev().find(|seen| ids.same_read(&seen.ids)) {
            seen.ids.unique_id = seen.ids.unique_id.take().or(ids.unique_id);
            seen.ids.counter = seen.ids.counter.take().or(ids.counter);
            return seen.event_id.clone();
        }
        let event_id = ids.event_id();
        self.0.push_back(Seen { ids, event_id: event_id.clone(), told: None });
        if self.0.len() > RECENT_MAX {
            self.0.pop_front();
        }
        event_id
    }

    /// Whether a report is worth telling: the first that is sure enough, and surer ones that read
    /// something else.
    pub(super) fn counts(
        &mut self,
        event_id: &str,
        plate: Option<u64>,
        confidence: u8,
        updates: Updates,
    ) -> bool {
        let Some(seen) = self.0.iter_mut().rev().find(|seen| seen.event_id == event_id) else {
            return true;
        };
        let is_news = match seen.told {
            _ if plate.is_none() || confidence < updates.confidence_min => false,
            None => true,
            Some((told, sure)) => told != plate && confidence > sure,
        };
        if is_news {
            seen.told = Some((plate, confidence));
        }
        is_news
    }
}
