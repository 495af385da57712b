//! Replays the whole journal, checks its chain, and compares what it says with the tables. Repairs nothing.

use std::collections::HashMap;

use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use sqlx::{Connection, SqliteConnection};

use super::{Reader, StoreError, Tail, load, pages};
use crate::core::{AlarmKind, Change, State};

/// What the journal says, and where the tables say otherwise.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    /// As replayed from the journal.
    pub state: State,
    pub tail: Tail,
    /// Rows of the tables that were compared.
    pub rows: usize,
    /// Empty when all is well.
    pub differences: Vec<Difference>,
}

/// A row that is not as the journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Table and key, such as `stay 12`; `watched 7` is the mark on payment 7, `state` the whole of what is loaded.
    pub row: String,
    pub odd: Odd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// The journal has it, the table has not.
    Missing,
    /// The table has it, the journal has not.
    Extra,
    Differs,
}

/// What the tables should hold: rows as in [`Difference::row`], their content short enough to keep years in memory.
type Expected = HashMap<String, [u8; 16]>;

impl Reader {
    /// Reads everything: time grows with the journal, memory with the number of stays.
    pub async fn rebuild(&self) -> Result<Rebuilt, StoreError> {
        let mut conn = self.pool.acquire().await?;
        let mut snapshot = conn.begin().await?;
        rebuild(&mut snapshot).await
    }
}

async fn rebuild(conn: &mut SqliteConnection) -> Result<Rebuilt, StoreError> {
    let mut state = State::default();
    let mut expected = Expected::new();
    let tail = replay(conn, |change, body| {
        state.apply(change);
        expect(&mut expected, change, body);
    })
    .await?;
    let rows = expected.len();
    let mut differences = compare(conn, expected).await?;
    if load::load(conn).await?.state != state {
        differences.push(Difference { row: "state".to_owned(), odd: Odd::Differs });
    }
    Ok(Rebuilt { state, tail, rows, differences })
}

/// Hands on each change of the journal with its body, and the end of the journal.
pub(super) async fn replay(
    conn: &mut SqliteConnection,
    mut each: impl FnMut(&Change, &str),
) -> Result<Tail, StoreError> {
    let mut tail = Tail::GENESIS;
    let mut rows =
        sqlx::query!("select seq, at_ms, kind, body, hash from journal order by seq").fetch(conn);
    while let Some(row) = rows.try_next().await? {
        let next = tail.next(row.at_ms, &row.kind, row.body.as_bytes())?;
        if next.seq != row.seq || next.hash != *row.hash {
            return Err(StoreError::ChainBreak { seq: next.seq });
        }
        let change = pages::change(row.seq, &row.kind, &row.body)?;
        each(&change, &row.body);
        tail = next;
    }
    Ok(tail)
}

/// What a change should have become in the tables: said a second time here, apart from the triggers.
fn expect(expected: &mut Expected, change: &Change, body: &str) {
    let row = match change {
        Change::Lane(lane) => format!("lane {}", lane.id),
        Change::Gate(gate) => format!("gate {}", gate.id),
        Change::Ticket(ticket) => format!("ticket {}", ticket.id),
        Change::Admission(admission) => format!("admission {}", admission.id),
        Change::Stay(stay) => format!("stay {}", stay.id),
        Change::Order(order) => format!("orders {}", order.id),
        Change::Refund(refund) => format!("refund {}", refund.id),
        Change::Posting(posting) => format!("posting {}", posting.txn),
        Change::Pass(pass) => format!("pass {}", pass.id),
        Change::Listed(listed) => format!("listed {}", listed.id),
        Change::Reservation(reservation) => format!("reservation {}", reservation.id),
        Change::Merchant(merchant) => format!("merchant {}", merchant.id),
        Change::Validation(validation) => format!("validation {}", validation.id),
        Change::Arrears(arrears) => format!("arrears {}", arrears.id),
        Change::Shift(shift) => format!("shift {}", shift.id),
        Change::Cash(cash) => format!("cash {}", cash.id),
        Change::Task(task) => format!("task {}", task.id),
        Change::Zone(zone) => format!("zone {}", zone.id),
        Change::Spent(spent) => format!("spent {}", spent.id),
        Change::Settled(settled) => format!("settled {}", settled.id),
        Change::Invoice(invoice) => format!("invoice {}", invoice.id),
        Change::Crowd(crowd) => format!("crowd {}", crowd.id),
        Change::Slot(slot) => format!("slot {}", slot.id),
        Change::Closure(closure) => format!("closure {}", closure.id),
        Change::Sister(sister) => format!("sister {}", sister.id),
        Change::Card(card) => format!("card {}", card.id),
        Change::CloudPass(pass) => format!("cloud_pass {}", pass.id),
        Change::SisterAsk(ask) => format!("sister_ask {}", ask.id),
        Change::Payment(payment) => {
            expected.insert(format!("watched {}", payment.id), digest(""));
            format!("payment {}", payment.id)
        }
        Change::PaymentFiled { payment } => {
            expected.remove(&format!("watched {payment}"));
            return;
        }
        Change::AlarmRaised(alarm) => alarm_row(&alarm.subject, alarm.kind),
        Change::AlarmCleared { subject, alarm } => {
            expected.remove(&alarm_row(subject, *alarm));
            return;
        }
        Change::ReadTaken { .. }
        | Change::OperatorActed { .. }
        | Change::PlateGiven { .. }
        | Change::WordUnplaced { .. }
        | Change::ScanRefused { .. }
        | Change::Walked { .. }
        | Change::TicketActed(_)
        | Change::PassActed(_)
        | Change::OfficeActed(_)
        | Change::RulesRead { .. }
        | Change::TillActed { .. } => return,
    };
    expected.insert(row, digest(body));
}

fn alarm_row(subject: &str, kind: AlarmKind) -> String {
    format!("alarm {subject} {}", serde_json::json!(kind))
}

async fn compare(
    conn: &mut SqliteConnection,
    mut expected: Expected,
) -> Result<Vec<Difference>, StoreError> {
    let mut differences = Vec::new();
    let mut rows = sqlx::query!(
        r#"select 'lane ' || id as "row!: String", body as "body!: String" from lane
        union all select 'gate ' || id, body from gate
        union all select 'ticket ' || id, body from ticket
        union all select 'admission ' || id, body from admission
        union all select 'stay ' || id, body from stay
        union all select 'orders ' || id, body from orders
        union all select 'payment ' || id, body from payment
        union all select 'watched ' || id, '' from payment where watched = 1
        union all select 'refund ' || id, body from refund
        union all select kind || ' ' || id, body from register
        union all select 'posting ' || txn, body from posting
        union all select 'alarm ' || subject || ' ' || kind, body from alarm"#
    )
    .fetch(conn);
    while let Some(found) = rows.try_next().await? {
        match expected.remove(&found.row) {
            None => differences.push(Difference { row: found.row, odd: Odd::Extra }),
            Some(said) if said != digest(&found.body) => {
                differences.push(Difference { row: found.row, odd: Odd::Differs });
            }
            Some(_) => {}
        }
    }
    differences.extend(expected.into_keys().map(|row| Difference { row, odd: Odd::Missing }));
    differences.sort_by(|a, b| a.row.cmp(&b.row));
    Ok(differences)
}

fn digest(body: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(body)[..16]);
    short
}
