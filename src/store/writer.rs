//! The one writer: what is decided goes to disk here, whole or not at all. Knows no table but the journal.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Options, StoreError, Tail, chain::Batch, open::Pen};
use crate::core::Change;

/// Appends to the journal. There is one per site file, owned by one task.
#[derive(Debug)]
pub struct Writer {
    pub(super) pen: Arc<Pen>,
    pub(super) tail: Tail,
}

impl Writer {
    /// Makes `changes` durable, all or none; once this returns `Ok` they survive a power cut.
    ///
    /// An error leaves the file, and this writer, as they were: the same changes may be tried again. Only where the
    /// disk itself failed to sync is the end of the journal unknown; then the next commit is refused by
    /// `journal_seq_unique`, and the daemon has to start again from what is on disk. The same is true of a future that
    /// is dropped half-way: wait for it.
    pub async fn commit(&mut self, at: Timestamp, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let at_ms = at.as_millisecond();
        let batch = Batch::after(&self.tail, at_ms, changes)?;
        let (first_seq, hashes, json) = (self.tail.seq + 1, batch.hashes, batch.changes);
        let insert = sqlx::query!(
            "insert into journal (seq, at_ms, kind, body, hash)
             select ?1 + key, ?2, value ->> 'kind', value -> 'body', substr(?3, 1 + 32 * key, 32)
             from json_each(?4)",
            first_seq,
            at_ms,
            hashes,
            json,
        );
        insert.execute(&mut *self.pen.conn.lock().await).await?;
        self.tail = batch.tail;
        Ok(())
    }

    /// The end of the journal.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Changes the size limit of the open file.
    pub async fn set_options(&mut self, options: Options) -> Result<(), StoreError> {
        super::open::limit(&mut *self.pen.conn.lock().await, options).await
    }
}
