//! The journal's hash chain and how a batch of changes is written down. Knows no connection.
//!
//! `hash = SHA-256(former hash ‖ seq ‖ at_ms ‖ kind ‖ 0x00 ‖ body)`, numbers as 8 bytes, big endian; `seq` counts from
//! 1 without gaps. The hash before the first row is 32 zero bytes.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::StoreError;
use crate::core::Change;

/// The end of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Number of the last row; 0 before the first.
    pub seq: i64,
    pub hash: [u8; 32],
    /// When the last row was committed, in whole milliseconds.
    pub last_at: Option<Timestamp>,
}

impl Tail {
    /// The end of an empty journal.
    pub const GENESIS: Self = Self { seq: 0, hash: [0; 32], last_at: None };

    /// The end after one more row.
    pub(super) fn next(&self, at_ms: i64, kind: &str, body: &[u8]) -> Result<Self, StoreError> {
        let seq = self.seq + 1;
        let mut hash = Sha256::new();
        hash.update(self.hash);
        hash.update(seq.to_be_bytes());
        hash.update(at_ms.to_be_bytes());
        hash.update(kind);
        hash.update([0]);
        hash.update(body);
        let last_at = Timestamp::from_millisecond(at_ms)
            .map_err(|_| StoreError::Corrupt(format!("journal row {seq} is at {at_ms} ms")))?;
        Ok(Self { seq, hash: hash.finalize().into(), last_at: Some(last_at) })
    }
}

/// Rows to append in one statement.
pub(super) struct Batch {
    /// A JSON array of changes: `[{"kind": ..., "body": ...}, ...]`.
    pub(super) changes: String,
    /// The rows' hashes one after the other, 32 bytes each.
    pub(super) hashes: Vec<u8>,
    /// The end of the journal once the batch is in.
    pub(super) tail: Tail,
}

impl Batch {
    /// Each change is written as JSON once; its body goes into the hash, the journal and its table as these bytes.
    pub(super) fn after(tail: &Tail, at_ms: i64, changes: &[Change]) -> Result<Self, StoreError> {
        let mut json = Vec::with_capacity(2 + changes.len() * 768);
        let mut hashes = Vec::with_capacity(changes.len() * 32);
        let mut tail = *tail;
        for change in changes {
            json.push(if json.is_empty() { b'[' } else { b',' });
            let start = json.len();
            serde_json::to_writer(&mut json, change).map_err(StoreError::Unwritable)?;
            tail = tail.next(at_ms, change.kind(), body_of(&json[start..], change.kind())?)?;
            hashes.extend_from_slice(&tail.hash);
        }
        json.push(b']');
        let changes = String::from_utf8(json)
            .map_err(|_| StoreError::Corrupt("a change is no text".to_owned()))?;
        Ok(Self { changes, hashes, tail })
    }
}

/// The body within a change's JSON, byte for byte as SQLite will take it out.
fn body_of<'a>(change: &'a [u8], kind: &str) -> Result<&'a [u8], StoreError> {
    let body = || {
        let rest = change.strip_prefix(br#"{"kind":""#)?.strip_prefix(kind.as_bytes())?;
        rest.strip_prefix(br#"","body":"#)?.strip_suffix(b"}")
    };
    body().ok_or_else(|| StoreError::Corrupt(format!("a {kind} is not written as kind and body")))
}
