//! The journal of a run: one JSON line per change, and a hash of all. Knows no state.

use paifang::core::Change;

#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) lines: Vec<String>,
    hash: u64,
    buffer: Vec<u8>,
}

impl Journal {
    /// Writes a change down and reads it back from what was written.
    pub(super) fn write(&mut self, change: &Change) -> Result<Change, serde_json::Error> {
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, change)?;
        self.hash = self.buffer.chunks(8).fold(self.hash, |hash, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        let line = String::from_utf8_lossy(&self.buffer).into_owned();
        let back = serde_json::from_str(&line)?;
        self.lines.push(line);
        Ok(back)
    }

    /// The same for the same lines in the same order.
    pub(super) fn hash(&self) -> u64 {
        self.hash
    }
}
