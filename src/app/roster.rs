//! The accounts of operators and the trail, for pages. Decides nothing.

use futures::future::BoxFuture;

use super::{
    pages::{Tables, odd},
    staff::{self, StaffError},
};
use crate::{
    http::ports::{
        AccountNote, AccountRow, Found, Person, Row, Staff, StaffAct, StaffRefusal, TrailPiece,
    },
    store::Doer,
};

impl Staff for Tables {
    fn people(&self) -> Found<'_, Vec<Person>> {
        Box::pin(async move {
            let operators = self.accounts.operators().await.map_err(odd)?.into_iter();
            let person = |operator: crate::store::Operator| Person {
                name: operator.name,
                role: operator.role,
                must_change: operator.must_change,
                disabled: operator.disabled,
                made_at: jiff::Timestamp::from_millisecond(operator.created_at_ms)
                    .unwrap_or_default(),
            };
            Ok(operators.map(person).collect())
        })
    }

    fn act(
        &self,
        act: StaffAct,
        by: String,
    ) -> BoxFuture<'_, Result<Option<String>, StaffRefusal>> {
        Box::pin(async move {
            let (accounts, by) = (&self.accounts, Doer { name: &by, now: self.app.now() });
            let done = match &act {
                StaffAct::Add { name, role } => {
                    staff::add(accounts, name, *role, by).await.map(Some)
                }
                StaffAct::Reset { name } => staff::reset(accounts, name, by).await.map(Some),
                StaffAct::Role { name, role } => {
                    staff::set_role(accounts, name, *role, by).await.map(|()| None)
                }
                StaffAct::Disable { name } => {
                    staff::set_disabled(accounts, name, true, by).await.map(|()| None)
                }
                StaffAct::Enable { name } => {
                    staff::set_disabled(accounts, name, false, by).await.map(|()| None)
                }
            };
            done.map_err(refusal)
        })
    }

    fn new_password(&self, name: String, password_hash: String) -> Found<'_, ()> {
        Box::pin(async move {
            let by = Doer { name: &name, now: self.app.now() };
            self.accounts.set_password(&name, &password_hash, by).await.map_err(odd)
        })
    }

    fn note(&self, note: AccountNote) -> Found<'_, ()> {
        Box::pin(async move {
            let AccountNote { did, whom, by, detail } = note;
            let by = Doer { name: &by, now: self.app.now() };
            self.accounts.note(did, whom.as_deref(), by, &detail).await.map_err(odd)
        })
    }

    fn account_trail(&self, piece: TrailPiece) -> Found<'_, Vec<AccountRow>> {
        Box::pin(async move {
            let TrailPiece { before, from, to, limit } = piece;
            let events = self.accounts.account_events(before, (from, to), limit).await;
            let row = |event: crate::store::AccountEvent| AccountRow {
                seq: event.seq,
                at: event.at,
                note: AccountNote {
                    did: event.did,
                    whom: event.operator,
                    by: event.by,
                    detail: event.detail,
                },
            };
            Ok(events.map_err(odd)?.into_iter().map(row).collect())
        })
    }

    fn journal_trail(&self, piece: TrailPiece) -> Found<'_, Vec<Row>> {
        Box::pin(async move {
            let TrailPiece { before, from, to, limit } = piece;
            let rows = self.reader.acts(before, (from, to), limit).await.map_err(odd)?;
            let row =
                |past: crate::store::Past| Row { seq: past.seq, at: past.at, change: past.change };
            Ok(rows.into_iter().map(row).collect())
        })
    }
}

fn refusal(error: StaffError) -> StaffRefusal {
    match error {
        StaffError::Name(_) => StaffRefusal::Name,
        StaffError::Taken(_) => StaffRefusal::Taken,
        StaffError::Nobody(_) => StaffRefusal::Nobody,
        StaffError::LastOwner(_) => StaffRefusal::LastOwner,
        StaffError::Store(error) => StaffRefusal::Records(odd(error)),
        StaffError::Password(what) => {
            StaffRefusal::Records(crate::http::ports::RecordsError(what.into()))
        }
    }
}
