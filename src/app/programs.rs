//! What programs ask of the tables, behind the traits that `http` names. Decides nothing.

use jiff::Timestamp;

use super::pages::{Tables, odd};
use crate::{
    core::{
        money::{Order, Payment},
        stay::Stay,
        task::Task,
        ticket::{Admission, Ticket},
        till::Shift,
    },
    http::ports::{Found, Lists, Page, ProgramRecords},
    store::Accounts,
    types::{KeptAnswer, Once, Program, Scope},
};

impl Lists for Tables {
    fn stays(&self, plate: String, open: bool, page: Page) -> Found<'_, Vec<Stay>> {
        Box::pin(async move {
            let Page { below, limit } = page;
            self.reader.stays_below(below, &plate, open, limit).await.map_err(odd)
        })
    }

    fn orders(&self, page: Page) -> Found<'_, Vec<Order>> {
        Box::pin(async move { self.reader.orders_below(page.below, page.limit).await.map_err(odd) })
    }

    fn payments(&self, undecided: bool, page: Page) -> Found<'_, Vec<Payment>> {
        Box::pin(async move {
            let Page { below, limit } = page;
            self.reader.payments_below(below, undecided, limit).await.map_err(odd)
        })
    }

    fn shifts(&self, page: Page) -> Found<'_, Vec<Shift>> {
        Box::pin(async move { self.reader.shifts_below(page.below, page.limit).await.map_err(odd) })
    }

    fn tasks(&self, page: Page) -> Found<'_, Vec<Task>> {
        Box::pin(async move { self.reader.tasks_below(page.below, page.limit).await.map_err(odd) })
    }

    fn admissions(&self, page: Page) -> Found<'_, Vec<Admission>> {
        Box::pin(
            async move { self.reader.admissions_below(page.below, page.limit).await.map_err(odd) },
        )
    }

    fn tickets(&self, page: Page) -> Found<'_, Vec<Ticket>> {
        Box::pin(
            async move { self.reader.tickets_below(page.below, page.limit).await.map_err(odd) },
        )
    }
}

impl ProgramRecords for Accounts {
    fn programs(&self) -> Found<'_, Vec<Program>> {
        Box::pin(async move { Accounts::programs(self).await.map_err(odd) })
    }

    fn add(
        &self,
        name: String,
        scopes: Vec<Scope>,
        token: [u8; 32],
        made_by: String,
        now: Timestamp,
    ) -> Found<'_, bool> {
        Box::pin(async move {
            self.add_program(&name, &scopes, &token, &made_by, now).await.map_err(odd)
        })
    }

    fn drop(&self, name: String) -> Found<'_, bool> {
        Box::pin(async move { self.drop_program(&name).await.map_err(odd) })
    }

    fn of_token(&self, token: [u8; 32], now: Timestamp) -> Found<'_, Option<Program>> {
        Box::pin(async move { self.program_of_token(&token, now).await.map_err(odd) })
    }

    fn begin_once(
        &self,
        caller: String,
        key: String,
        digest: [u8; 32],
        now: Timestamp,
    ) -> Found<'_, Once> {
        Box::pin(async move {
            Accounts::begin_once(self, &caller, &key, &digest, now).await.map_err(odd)
        })
    }

    fn end_once(&self, caller: String, key: String, answer: Option<KeptAnswer>) -> Found<'_, ()> {
        Box::pin(async move {
            Accounts::end_once(self, &caller, &key, answer.as_ref()).await.map_err(odd)
        })
    }
}
