//! The daemon's lines, links and drivers against the far ends of their wires, over real
//! pseudo-terminals, a real broker and real HTTP. Waits are on conditions, with a limit.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod camera;
mod line;
mod phone;
mod printer;
mod support;

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

/// A folder of one test, removed at the end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("paifang-wire-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
