//! From the tables to the live state: what is open, watched or pending, and the numbers handed out. Replays nothing.

use serde::de::DeserializeOwned;
use sqlx::{Connection, SqliteConnection};

use super::{Reader, StoreError, Tail, pages};
use crate::core::{Change, State};

/// What a daemon starts from.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    pub state: State,
    pub tail: Tail,
}

impl Reader {
    /// The live state as of the last commit. Time grows with what is alive, not with history.
    pub async fn load(&self) -> Result<Loaded, StoreError> {
        let mut conn = self.pool.acquire().await?;
        let mut snapshot = conn.begin().await?;
        load(&mut snapshot).await
    }
}

pub(super) async fn load(conn: &mut SqliteConnection) -> Result<Loaded, StoreError> {
    let mut state = State::default();
    // An order stays in memory because of its stay, a watched payment or arrears: so these come first. A sale says itself
    // how long it does.
    for body in sqlx::query_scalar!("select body from lane").fetch_all(&mut *conn).await? {
        state.apply(&Change::Lane(parse("lane", &body)?));
    }
    let sql = sqlx::query!("select kind, body from register where is_open = 1");
    for entry in sql.fetch_all(&mut *conn).await? {
        state.apply(&pages::change(0, &entry.kind, &entry.body)?);
    }
    let sql = sqlx::query_scalar!(
        "select body from register where kind = 'cash' and body ->> 'refund_of' is not null"
    );
    for body in sql.fetch_all(&mut *conn).await? {
        state.apply(&Change::Cash(parse("cash", &body)?));
    }
    let sql = sqlx::query_scalar!("select body from stay where is_open = 1");
    for body in sql.fetch_all(&mut *conn).await? {
        state.apply(&Change::Stay(parse("stay", &body)?));
    }
    let sql = sqlx::query_scalar!("select body from payment where watched = 1");
    for body in sql.fetch_all(&mut *conn).await? {
        state.apply(&Change::Payment(parse("payment", &body)?));
    }
    let sql = sqlx::query_scalar!(
        "select body from orders where id in (
             select orders.id from stay join orders on orders.stay_id = stay.id where stay.is_open = 1
             union select order_id from payment where watched = 1
             union select id from orders where sale_is_open = 1
             union select body ->> 'order' from register where kind = 'arrears' and is_open = 1
         )"
    );
    for body in sql.fetch_all(&mut *conn).await? {
        state.apply(&Change::Order(parse("orders", &body)?));
    }
    // Those that are over as well: they limit what else may go back of their payments.
    let sql = sqlx::query_scalar!("select body from refund");
    for body in sql.fetch_all(&mut *conn).await? {
        state.apply(&Change::Refund(parse("refund", &body)?));
    }
    for body in sqlx::query_scalar!("select body from alarm").fetch_all(&mut *conn).await? {
        state.apply(&Change::AlarmRaised(parse("alarm", &body)?));
    }
    for body in sqlx::query_scalar!("select body from gate").fetch_all(&mut *conn).await? {
        state.apply(&Change::Gate(parse("gate", &body)?));
    }
    let sql = sqlx::query_scalar!("select body from ticket where is_alive = 1");
    for body in sql.fetch_all(&mut *conn).await? {
        state.apply(&Change::Ticket(parse("ticket", &body)?));
    }
    let sql =
        sqlx::query_scalar!("select body from admission where state in ('granted', 'unsure')");
    for body in sql.fetch_all(&mut *conn).await? {
        state.apply(&Change::Admission(parse("admission", &body)?));
    }
    let sql = sqlx::query!(
        r#"select id >> 40 as "issuer!: i64", max(id) as "last!: i64" from ticket group by 1"#
    );
    for issued in sql.fetch_all(&mut *conn).await? {
        state.issued.insert(issued.issuer as u8, issued.last);
    }
    count(conn, &mut state).await?;
    number(conn, &mut state).await?;
    Ok(Loaded { state, tail: tail(conn).await? })
}

/// The highest numbers, also of what is over. Orders to arms are numbered by the lanes, each keeps its last.
async fn count(conn: &mut SqliteConnection, state: &mut State) -> Result<(), StoreError> {
    let max = sqlx::query!(
        r#"select
            (select coalesce(max(id), 0) from stay) as "stay!: i64",
            (select coalesce(max(id), 0) from orders) as "order!: i64",
            (select coalesce(max(id), 0) from payment) as "payment!: i64",
            (select coalesce(max(id), 0) from refund) as "refund!: i64",
            (select coalesce(max(txn), 0) from posting) as "txn!: i64",
            (select coalesce(max(id), 0) from admission) as "admission!: i64""#
    )
    .fetch_one(conn)
    .await?;
    let counters = &mut state.counters;
    (counters.stay, counters.order, counters.payment) = (max.stay, max.order, max.payment);
    (counters.refund, counters.txn) = (max.refund, max.txn);
    counters.admission = max.admission;
    Ok(())
}

/// The highest numbers of the register, also of what is over.
async fn number(conn: &mut SqliteConnection, state: &mut State) -> Result<(), StoreError> {
    let sql = sqlx::query!(
        r#"select kind as "kind!: String", max(cast(id as integer)) as "id!: i64" from register group by kind"#
    );
    for last in sql.fetch_all(conn).await? {
        let counters = &mut state.counters;
        let counter = match last.kind.as_str() {
            "pass" => &mut counters.pass,
            "listed" => &mut counters.listed,
            "reservation" => &mut counters.reservation,
            "merchant" => &mut counters.merchant,
            "validation" => &mut counters.validation,
            "arrears" => &mut counters.arrears,
            "shift" => &mut counters.shift,
            "cash" => &mut counters.cash,
            "task" => &mut counters.task,
            "invoice" => &mut counters.invoice,
            "closure" => &mut counters.closure,
            "cloud_pass" => &mut counters.cloud,
            "sister_ask" => &mut counters.ask,
            _ => continue,
        };
        *counter = last.id;
    }
    Ok(())
}

pub(super) async fn tail(conn: &mut SqliteConnection) -> Result<Tail, StoreError> {
    let last = sqlx::query!("select seq, at_ms, hash from journal order by seq desc limit 1");
    let Some(last) = last.fetch_optional(conn).await? else { return Ok(Tail::GENESIS) };
    let damaged = || StoreError::Corrupt(format!("journal row {} makes no sense", last.seq));
    Ok(Tail {
        seq: last.seq,
        hash: last.hash.as_slice().try_into().map_err(|_| damaged())?,
        last_at: Some(jiff::Timestamp::from_millisecond(last.at_ms).map_err(|_| damaged())?),
    })
}

/// A thing from its body.
pub(super) fn parse<T: DeserializeOwned>(table: &'static str, body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|source| {
        let known = serde_json::from_str::<serde_json::Value>(body).ok();
        let id = known.and_then(|body| body.get("id").map(ToString::to_string));
        StoreError::Unreadable { table, id: id.unwrap_or_else(|| "?".to_owned()), source }
    })
}
