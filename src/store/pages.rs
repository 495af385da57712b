//! What pages and a recall look up, by key or newest first, always limited. Changes nothing.

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::{Reader, StoreError, load::parse};
use crate::{
    core::{
        Change,
        money::{Order, Payment, Posting, Refund},
        stay::Stay,
    },
    types::{LaneId, OrderId, PaymentId, StayId},
};

/// How far back a lane's history looks: some days of a busy lane, some 20 ms of reading.
const HISTORY_ROWS: i64 = 50_000;

/// One row of the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    pub seq: i64,
    pub at: Timestamp,
    pub change: Change,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows of the journal.
    pub journal: i64,
    /// Stays ever.
    pub stays: i64,
    pub open_stays: i64,
    pub watched_payments: i64,
    pub pending_refunds: i64,
    pub alarms: i64,
}

impl Reader {
    /// Open stays whose plate contains `search` (upper case; empty: all), latest first.
    pub async fn open_stays(&self, search: &str, limit: u32) -> Result<Vec<Stay>, StoreError> {
        // Left to itself SQLite walks through all stays ever, for the sake of their order.
        let select = sqlx::query_scalar!(
            "select body from stay indexed by stay_one_open_per_plate
             where is_open = 1 and instr(plate, ?1) > 0 order by id desc limit ?2",
            search,
            limit,
        );
        parse_all("stay", &select.fetch_all(&self.pool).await?)
    }

    /// Stays of any state, latest entry first.
    pub async fn recent_stays(&self, limit: u32) -> Result<Vec<Stay>, StoreError> {
        let select = sqlx::query_scalar!("select body from stay order by id desc limit ?1", limit);
        parse_all("stay", &select.fetch_all(&self.pool).await?)
    }

    pub async fn stay(&self, id: StayId) -> Result<Option<Stay>, StoreError> {
        let select = sqlx::query_scalar!("select body from stay where id = ?1", id.0);
        parse_one("stay", select.fetch_optional(&self.pool).await?)
    }

    pub async fn order(&self, id: OrderId) -> Result<Option<Order>, StoreError> {
        let select = sqlx::query_scalar!("select body from orders where id = ?1", id.0);
        parse_one("orders", select.fetch_optional(&self.pool).await?)
    }

    /// A stay's orders, oldest first.
    pub async fn orders_of(&self, stay: StayId) -> Result<Vec<Order>, StoreError> {
        let select =
            sqlx::query_scalar!("select body from orders where stay_id = ?1 order by id", stay.0);
        parse_all("orders", &select.fetch_all(&self.pool).await?)
    }

    /// The attempts to collect an order, oldest first.
    pub async fn payments_of(&self, order: OrderId) -> Result<Vec<Payment>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from payment where order_id = ?1 order by id",
            order.0
        );
        parse_all("payment", &select.fetch_all(&self.pool).await?)
    }

    /// The refunds of a payment, oldest first.
    pub async fn refunds_of(&self, payment: PaymentId) -> Result<Vec<Refund>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from refund where payment_id = ?1 order by id",
            payment.0
        );
        parse_all("refund", &select.fetch_all(&self.pool).await?)
    }

    /// The ledger's transactions about a payment, oldest first.
    pub async fn postings_of(&self, payment: PaymentId) -> Result<Vec<Posting>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from posting where payment_id = ?1 order by txn",
            payment.0
        );
        parse_all("posting", &select.fetch_all(&self.pool).await?)
    }

    /// Payments nobody knows the end of, and those where the bank names another amount; oldest first.
    pub async fn undecided_payments(&self, limit: u32) -> Result<Vec<Payment>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from payment where watched = 1 and state in ('pending', 'reversing', 'disputed')
             order by id limit ?1",
            limit,
        );
        parse_all("payment", &select.fetch_all(&self.pool).await?)
    }

    /// A payment that left memory, with its order, to be handed in as `Input::Recalled`.
    pub async fn recall(&self, out_trade_no: &str) -> Result<Option<(Payment, Order)>, StoreError> {
        let select = sqlx::query!(
            "select payment.body as payment, orders.body as \"order\"
             from payment join orders on orders.id = payment.order_id where out_trade_no = ?1",
            out_trade_no,
        );
        let Some(row) = select.fetch_optional(&self.pool).await? else { return Ok(None) };
        Ok(Some((parse("payment", &row.payment)?, parse("orders", &row.order)?)))
    }

    /// What happened in a lane that people ask about (reads, acts of operators, plates typed), latest first.
    ///
    /// Looks through the latest rows of the journal only: an index for this page would cost every passage a page write.
    pub async fn lane_history(&self, lane: &LaneId, limit: u32) -> Result<Vec<Past>, StoreError> {
        let lane = lane.as_str();
        let select = sqlx::query!(
            "select seq, at_ms, kind, body from journal
             where seq > (select max(seq) from journal) - ?3 and body ->> 'lane' = ?1
                 and kind in ('read_taken', 'operator_acted', 'plate_given', 'till_acted')
             order by seq desc limit ?2",
            lane,
            limit,
            HISTORY_ROWS,
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| past(row.seq, row.at_ms, &row.kind, &row.body)).collect()
    }

    /// The journal after row `seq`, oldest first.
    pub async fn journal_after(&self, seq: i64, limit: u32) -> Result<Vec<Past>, StoreError> {
        let select = sqlx::query!(
            "select seq, at_ms, kind, body from journal where seq > ?1 order by seq limit ?2",
            seq,
            limit,
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| past(row.seq, row.at_ms, &row.kind, &row.body)).collect()
    }

    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let select = sqlx::query_as!(
            Counts,
            r#"select
                (select coalesce(max(seq), 0) from journal) as "journal!: i64",
                (select coalesce(max(id), 0) from stay) as "stays!: i64",
                (select count(*) from stay where is_open = 1) as "open_stays!: i64",
                (select count(*) from payment where watched = 1) as "watched_payments!: i64",
                (select count(*) from refund where state = 'pending') as "pending_refunds!: i64",
                (select count(*) from alarm) as "alarms!: i64""#
        );
        Ok(select.fetch_one(&self.pool).await?)
    }
}

/// A journal row's change from its kind and body.
pub(super) fn change(seq: i64, kind: &str, body: &str) -> Result<Change, StoreError> {
    serde_json::from_str(&format!(r#"{{"kind":"{kind}","body":{body}}}"#))
        .map_err(|source| StoreError::Unreadable { table: "journal", id: seq.to_string(), source })
}

pub(super) fn past(seq: i64, at_ms: i64, kind: &str, body: &str) -> Result<Past, StoreError> {
    let at = Timestamp::from_millisecond(at_ms)
        .map_err(|_| StoreError::Corrupt(format!("journal row {seq} is at {at_ms} ms")))?;
    Ok(Past { seq, at, change: change(seq, kind, body)? })
}

fn parse_one<T: DeserializeOwned>(
    table: &'static str,
    body: Option<String>,
) -> Result<Option<T>, StoreError> {
    body.map(|body| parse(table, &body)).transpose()
}

fn parse_all<T: DeserializeOwned>(
    table: &'static str,
    bodies: &[String],
) -> Result<Vec<T>, StoreError> {
    bodies.iter().map(|body| parse(table, body)).collect()
}
