//! Statements and differences: what a run reads of the ledger, and what it leaves on record. Matches nothing itself.
//!
//! Runs write beside the one writer, through the same connection or, from the command line, through one of their own.
//! Each statement is short, but for the last of a run, which takes as long as there are differences.

use std::{path::Path, sync::Arc};

use jiff::{Timestamp, civil::Date};
use sqlx::Connection;

use super::{Accounts, Reader, Store, StoreError, open::Pen};
use crate::{
    core::settle::{Difference, DifferenceState, Finding, Side, StatementFile},
    types::ChannelId,
};

/// Reads the ledger and writes differences.
#[derive(Clone, Debug)]
pub struct Settlements {
    pub(super) pen: Arc<Pen>,
    pub(super) reader: Reader,
}

/// A payment or refund as the tables know it by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub number: String,
    pub out_trade_no: String,
    pub channel: String,
    pub state: String,
    pub minor: i64,
    pub bank_no: String,
    /// When it was posted; `None`: it is not in the ledger.
    pub posted_at: Option<Timestamp>,
}

/// What to do with what a run has found.
#[derive(Clone, Debug)]
pub struct Conclusion<'a> {
    pub file: &'a StatementFile,
    /// Days after its own that a row may come with, whose statements are not all there yet: what is short waits.
    pub is_early: bool,
    /// Rows that belong to another settlement day: side, number, that day.
    pub strays: &'a [(Side, String, Date)],
}

/// How many differences a run found anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Concluded {
    pub open: i64,
    pub waiting: i64,
}

impl Store {
    /// Beside the daemon's own writer.
    pub fn settlements(&self) -> Settlements {
        Settlements { pen: self.writer.pen.clone(), reader: self.reader.clone() }
    }
}

impl Settlements {
    /// Of a site file that a daemon may be running. Makes no file and migrates nothing.
    pub async fn beside(path: &Path) -> Result<Self, StoreError> {
        let Accounts { pen, pool } = Accounts::beside(path).await?;
        Ok(Self { pen, reader: Reader { pool } })
    }

    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Forgets what a run that did not end has left.
    pub async fn begin(&self, channel: &ChannelId, day: Date) -> Result<(), StoreError> {
        let (channel, day) = (channel.as_str(), day.to_string());
        let delete = sqlx::query!(
            "delete from difference_found where channel = ?1 and day = ?2",
            channel,
            day,
        );
        delete.execute(&mut *self.pen.conn.lock().await).await?;
        Ok(())
    }

    /// Puts findings down until the run is concluded.
    pub async fn find(
        &self,
        channel: &ChannelId,
        day: Date,
        findings: &[Finding],
    ) -> Result<(), StoreError> {
        if findings.is_empty() {
            return Ok(());
        }
        let (channel, day) = (channel.as_str(), day.to_string());
        let json = serde_json::to_string(findings).map_err(StoreError::Unwritable)?;
        let insert = sqlx::query!(
            "insert into difference_found
                 (channel, day, key, kind, side, out_trade_no, refund_no, bank_no, ours_minor, theirs_minor, detail)
             select ?1, ?2, (value ->> 'kind') || ' ' || (value ->> 'side') || ' ' || (value ->> 'number'),
                 value ->> 'kind', value ->> 'side', value ->> 'out_trade_no', value ->> 'refund_no',
                 value ->> 'bank_no', value ->> 'ours_minor', value ->> 'theirs_minor', value ->> 'detail'
             from json_each(?3) where true on conflict (channel, day, key) do nothing",
            channel,
            day,
            json,
        );
        insert.execute(&mut *self.pen.conn.lock().await).await?;
        Ok(())
    }

    /// Ends a run: what it found becomes the differences of its day, all or nothing. What is settled stays so as long
    /// as both sides say what they said; what is not found any more is gone.
    pub async fn conclude(&self, conclusion: &Conclusion<'_>) -> Result<Concluded, StoreError> {
        let file = conclusion.file;
        let (channel, day) = (file.channel.as_str(), file.day.to_string());
        let now_ms = file.reconciled_at.as_millisecond();
        let mut conn = self.pen.conn.lock().await;
        let mut run = conn.begin_with("begin immediate").await?;
        put_file(&mut run, file).await?;
        put_strays(&mut run, conclusion).await?;
        pair(&mut run, channel, &day).await?;
        let short_is = if conclusion.is_early { "waiting" } else { "open" };
        put_differences(&mut run, channel, &day, short_is, now_ms).await?;
        let counts = sqlx::query_as!(
            Concluded,
            r#"select count(*) filter (where state = 'open') as "open!: i64",
                count(*) filter (where state = 'waiting') as "waiting!: i64"
            from difference where channel = ?1 and day = ?2"#,
            channel,
            day,
        );
        let counts = counts.fetch_one(&mut *run).await?;
        run.commit().await?;
        Ok(counts)
    }

    /// What waited for later statements, of days up to `until`, is short now.
    pub async fn ripen(
        &self,
        channel: &ChannelId,
        until: Date,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let (channel, until, now_ms) = (channel.as_str(), until.to_string(), now.as_millisecond());
        let update = sqlx::query!(
            "update difference set state = 'open', changed_at_ms = ?3, changed_by = 'reconcile',
                 note = 'not in the later statements either'
             where channel = ?1 and day <= ?2 and state = 'waiting'",
            channel,
            until,
            now_ms,
        );
        Ok(update.execute(&mut *self.pen.conn.lock().await).await?.rows_affected())
    }

    /// A person, or the daemon, goes on with a difference that is open; `false`: it is not.
    pub async fn go_on(
        &self,
        id: i64,
        state: DifferenceState,
        (by, note): (&str, &str),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (state, now_ms) = (state.name(), now.as_millisecond());
        let update = sqlx::query!(
            "update difference set state = ?2, changed_by = ?3, note = ?4, changed_at_ms = ?5
             where id = ?1 and state in ('open', 'waiting')",
            id,
            state,
            by,
            note,
            now_ms,
        );
        Ok(update.execute(&mut *self.pen.conn.lock().await).await?.rows_affected() == 1)
    }

    /// The core has been told of the late money of a difference.
    pub async fn tell(&self, difference: &Difference, now: Timestamp) -> Result<(), StoreError> {
        let (id, now_ms) = (difference.id, now.as_millisecond());
        let update = sqlx::query!(
            "update difference set told = 1, changed_by = 'daemon', note = 'the desk was told that it is paid',
                 changed_at_ms = ?2 where id = ?1",
            id,
            now_ms,
        );
        update.execute(&mut *self.pen.conn.lock().await).await?;
        Ok(())
    }
}

async fn put_file(
    run: &mut sqlx::SqliteConnection,
    file: &StatementFile,
) -> Result<(), StoreError> {
    let (channel, day) = (file.channel.as_str(), file.day.to_string());
    let (digest, now_ms) = (&file.digest[..], file.reconciled_at.as_millisecond());
    let insert = sqlx::query!(
        "insert into statement_file
             (channel, day, digest, rows, bad, matched, paid_minor, refunded_minor, fee_minor, reconciled_at_ms)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         on conflict (channel, day) do update set digest = excluded.digest, rows = excluded.rows, bad = excluded.bad,
             matched = excluded.matched, paid_minor = excluded.paid_minor,
             refunded_minor = excluded.refunded_minor, fee_minor = excluded.fee_minor,
             reconciled_at_ms = excluded.reconciled_at_ms",
        channel,
        day,
        digest,
        file.rows,
        file.bad,
        file.matched,
        file.paid_minor,
        file.refunded_minor,
        file.fee_minor,
        now_ms,
    );
    insert.execute(run).await?;
    Ok(())
}

/// Strays of this statement take the place of those of its former run, and settle what was short on their own days.
async fn put_strays(
    run: &mut sqlx::SqliteConnection,
    conclusion: &Conclusion<'_>,
) -> Result<(), StoreError> {
    let file = conclusion.file;
    let (channel, day) = (file.channel.as_str(), file.day.to_string());
    let now_ms = file.reconciled_at.as_millisecond();
    let json = serde_json::to_string(conclusion.strays).map_err(StoreError::Unwritable)?;
    sqlx::query!(
        "delete from statement_stray where channel = ?1 and statement_day = ?2",
        channel,
        day
    )
    .execute(&mut *run)
    .await?;
    let insert = sqlx::query!(
        "insert into statement_stray (channel, side, number, statement_day, own_day)
         select ?1, value ->> 0, value ->> 1, ?2, value ->> 2 from json_each(?3) where true
         on conflict do nothing",
        channel,
        day,
        json,
    );
    insert.execute(&mut *run).await?;
    let settle = sqlx::query!(
        "update difference set state = 'settled', changed_at_ms = ?3, changed_by = 'reconcile',
             note = 'in the statement of ' || ?2
         where channel = ?1 and kind = 'short' and state in ('waiting', 'open') and exists (
             select 1 from statement_stray as stray
             where stray.channel = ?1 and stray.statement_day = ?2 and stray.own_day = difference.day
                 and 'short ' || stray.side || ' ' || stray.number = difference.key)",
        channel,
        day,
        now_ms,
    );
    settle.execute(&mut *run).await?;
    Ok(())
}

/// Findings that explain each other: what is short came with another statement, or the bank knows it by its own number
/// or, a refund, by its payment's.
async fn pair(
    run: &mut sqlx::SqliteConnection,
    channel: &str,
    day: &str,
) -> Result<(), StoreError> {
    let came = sqlx::query!(
        "delete from difference_found where channel = ?1 and day = ?2 and kind = 'short' and key in (
             select 'short ' || side || ' ' || number from statement_stray where channel = ?1 and own_day = ?2)",
        channel,
        day,
    );
    came.execute(&mut *run).await?;
    // Each long row takes at most one short one, and each short one is taken once.
    let join = sqlx::query!(
        "insert into difference_found
             (channel, day, key, kind, side, out_trade_no, refund_no, bank_no, ours_minor, theirs_minor, detail)
         select ?1, ?2, 'number ' || short.key, 'number', short.side, short.out_trade_no, short.refund_no,
             short.bank_no, short.ours_minor, long.theirs_minor, max(long.key)
         from difference_found as short join difference_found as long
             on long.channel = ?1 and long.day = ?2 and long.kind = 'long' and long.side = short.side
             and long.theirs_minor = short.ours_minor
             and ((long.bank_no <> '' and long.bank_no = short.bank_no)
                 or (long.side = 'refunded' and long.refund_no = '' and long.out_trade_no = short.out_trade_no))
         where short.channel = ?1 and short.day = ?2 and short.kind = 'short'
         group by short.key",
        channel,
        day,
    );
    if join.execute(&mut *run).await?.rows_affected() == 0 {
        return Ok(());
    }
    let twice = sqlx::query!(
        "delete from difference_found where channel = ?1 and day = ?2 and kind = 'number' and key not in (
             select min(key) from difference_found
             where channel = ?1 and day = ?2 and kind = 'number' group by detail)",
        channel,
        day,
    );
    twice.execute(&mut *run).await?;
    let drop = sqlx::query!(
        "delete from difference_found where channel = ?1 and day = ?2 and key in (
             select detail from difference_found where channel = ?1 and day = ?2 and kind = 'number'
             union all select substr(key, 8) from difference_found
             where channel = ?1 and day = ?2 and kind = 'number')",
        channel,
        day,
    );
    drop.execute(&mut *run).await?;
    // A refund that the bank names by its payment alone is the same refund.
    let same = sqlx::query!(
        "delete from difference_found where channel = ?1 and day = ?2 and kind = 'number' and side = 'refunded'
             and detail = 'long refunded ~' || out_trade_no",
        channel,
        day,
    );
    same.execute(&mut *run).await?;
    let tell = sqlx::query!(
        "update difference_found set detail = 'the statement has it as ' || substr(detail, length(side) + 7)
         where channel = ?1 and day = ?2 and kind = 'number'",
        channel,
        day,
    );
    tell.execute(&mut *run).await?;
    Ok(())
}

async fn put_differences(
    run: &mut sqlx::SqliteConnection,
    channel: &str,
    day: &str,
    short_is: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    let gone = sqlx::query!(
        "update difference set state = 'gone', changed_at_ms = ?3, changed_by = 'reconcile',
             note = 'not found any more'
         where channel = ?1 and day = ?2 and state in ('open', 'waiting')
             and key not in (select key from difference_found where channel = ?1 and day = ?2)",
        channel,
        day,
        now_ms,
    );
    gone.execute(&mut *run).await?;
    let put = sqlx::query!(
        "insert into difference
             (channel, day, key, kind, side, out_trade_no, refund_no, bank_no, ours_minor, theirs_minor, detail,
             state, found_at_ms, changed_at_ms, changed_by, note)
         select channel, day, key, kind, side, out_trade_no, refund_no, bank_no, ours_minor, theirs_minor, detail,
             iif(kind = 'short', ?3, 'open'), ?4, ?4, 'reconcile', 'found'
         from difference_found where channel = ?1 and day = ?2
         on conflict (channel, day, key) do update set
             ours_minor = excluded.ours_minor, theirs_minor = excluded.theirs_minor, detail = excluded.detail,
             bank_no = excluded.bank_no, state = excluded.state, changed_at_ms = excluded.changed_at_ms,
             changed_by = excluded.changed_by,
             note = iif(difference.state = 'waiting', 'not in the later statements either', 'found again'), told = 0
         where difference.state = 'gone' or difference.ours_minor is not excluded.ours_minor
             or difference.theirs_minor is not excluded.theirs_minor
             or (difference.state = 'waiting' and excluded.state = 'open')",
        channel,
        day,
        short_is,
        now_ms,
    );
    put.execute(&mut *run).await?;
    sqlx::query!("delete from difference_found where channel = ?1 and day = ?2", channel, day)
        .execute(&mut *run)
        .await?;
    Ok(())
}
