//! How far a webhook is, in a small file of its own: always of one length and written in place, so that a copy of the
//! folder never finds it half. Sends nothing.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::http::ports::HookState;

const BYTES: usize = 1_024;
/// Of what a receiver said.
pub(super) const TROUBLE_CHARS_MAX: usize = 120;

/// Where a webhook stands.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) state: HookState,
    /// Counts how often a person sent it elsewhere.
    pub(super) epoch: u64,
    /// It was sent elsewhere.
    pub(super) sent: Arc<Notify>,
}

impl Mark {
    pub(super) fn at(told_seq: i64) -> Self {
        Self::of(HookState { told_seq, ..HookState::default() })
    }

    fn of(state: HookState) -> Self {
        Self { state, epoch: 0, sent: Arc::default() }
    }

    /// Goes on at once, behind this row or where it stands.
    pub(super) fn again(&mut self, after_seq: Option<i64>) {
        let told_seq = after_seq.unwrap_or(self.state.told_seq);
        self.state = HookState { told_seq, ..HookState::default() };
        self.epoch += 1;
        self.sent.notify_one();
    }
}

#[derive(Serialize, Deserialize)]
struct Kept {
    told_seq: i64,
    failing_since: Option<Timestamp>,
    tries: u32,
    next_try: Option<Timestamp>,
    trouble: String,
    dead: bool,
}

fn path(folder: &Path, id: i64) -> PathBuf {
    folder.join(format!("{id}.json"))
}

/// `None`: there is none, or it cannot be read.
pub(super) fn read(folder: &Path, id: i64) -> Option<Mark> {
    let bytes = fs::read(path(folder, id)).ok()?;
    let Kept { told_seq, failing_since, tries, next_try, trouble, dead } =
        serde_json::from_slice(&bytes).ok()?;
    Some(Mark::of(HookState { told_seq, failing_since, tries, next_try, trouble, dead }))
}

pub(super) fn write(folder: &Path, id: i64, mark: &Mark) -> io::Result<()> {
    let HookState { told_seq, failing_since, tries, next_try, trouble, dead } = mark.state.clone();
    let kept = Kept { told_seq, failing_since, tries, next_try, trouble, dead };
    let mut bytes = serde_json::to_vec(&kept)?;
    bytes.resize(BYTES.max(bytes.len()), b' ');
    if !folder.exists() {
        DirBuilder::new().mode(0o700).create(folder)?;
    }
    let path = path(folder, id);
    let mut file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    file.write_all(&bytes)
}

pub(super) fn remove(folder: &Path, id: i64) {
    // Left behind it is in nobody's way: a number is never used again.
    let _ = fs::remove_file(path(folder, id));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_it_was_written() {
        let folder = std::env::temp_dir().join(format!("paifang-mark-{}", std::process::id()));
        let mut mark = Mark::at(7);
        mark.state.trouble = "坏".repeat(TROUBLE_CHARS_MAX);
        mark.state.dead = true;
        write(&folder, 3, &mark).unwrap();
        assert_eq!(fs::metadata(path(&folder, 3)).unwrap().len(), BYTES as u64);
        assert_eq!(read(&folder, 3).unwrap().state, mark.state);
        mark.again(None);
        write(&folder, 3, &mark).unwrap();
        assert_eq!(read(&folder, 3).unwrap().state, Mark::at(7).state);
        remove(&folder, 3);
        assert!(read(&folder, 3).is_none());
        fs::remove_dir_all(folder).unwrap();
    }
}
