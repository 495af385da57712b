//! What people did and what went wrong, newest first, out of the journal. Changes nothing.

use jiff::Timestamp;

use super::{
    Reader, StoreError,
    pages::{Past, past},
};

impl Reader {
    /// Acts of people, changes of what they keep, and alarms, in a time, before the row `before`, latest first.
    pub async fn acts(
        &self,
        before: i64,
        (from, to): (Timestamp, Timestamp),
        limit: u32,
    ) -> Result<Vec<Past>, StoreError> {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        // Decided time never goes back, so the order is that of the rows.
        let select = sqlx::query!(
            "select seq, at_ms, kind, body from journal indexed by journal_trail where (
                kind in (
                    'operator_acted', 'plate_given', 'till_acted', 'ticket_acted', 'task', 'pass', 'listed',
                    'reservation', 'validation', 'shift', 'settled', 'closure', 'zone', 'alarm_raised',
                    'alarm_cleared', 'word_unplaced', 'office_acted', 'rules_read'
                )
                or (kind = 'admission' and body ->> 'settled' is not null)
             )
             and at_ms >= ?1 and at_ms < ?2 and seq < ?3 order by at_ms desc, seq desc limit ?4",
            from_ms,
            to_ms,
            before,
            limit,
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| past(row.seq, row.at_ms, &row.kind, &row.body)).collect()
    }
}
