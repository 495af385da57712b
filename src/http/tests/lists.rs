//! What programs list, as the tables would: the latest first, below a number.

use futures::{FutureExt, future::ready};

use super::site::Site;
use crate::{
    core::{
        Change,
        money::{Order, Payment},
        stay::Stay,
        task::Task,
        ticket::{Admission, Ticket},
        till::Shift,
    },
    http::ports::{Found, Lists, Page},
};

fn page<T: Send + 'static>(
    mut all: Vec<T>,
    page: Page,
    number: impl Fn(&T) -> i64,
) -> Found<'static, Vec<T>> {
    all.retain(|one| number(one) < page.below);
    all.sort_by_key(|one| std::cmp::Reverse(number(one)));
    all.truncate(page.limit as usize);
    ready(Ok(all)).boxed()
}

impl Lists for Site {
    fn stays(&self, plate: String, open: bool, at: Page) -> Found<'_, Vec<Stay>> {
        let mut all = Site::stays(self);
        all.retain(|stay| stay.plate.full().contains(&plate) && (!open || stay.state.is_open()));
        page(all, at, |stay| stay.id.0)
    }

    fn orders(&self, at: Page) -> Found<'_, Vec<Order>> {
        page(Site::orders(self), at, |order| order.id.0)
    }

    fn payments(&self, undecided: bool, at: Page) -> Found<'_, Vec<Payment>> {
        let mut all = Site::payments(self);
        all.retain(|payment| !undecided || payment.state.is_undecided());
        page(all, at, |payment| payment.id.0)
    }

    fn shifts(&self, at: Page) -> Found<'_, Vec<Shift>> {
        let all = self.last(|change| match change {
            Change::Shift(shift) => Some((shift.id, shift)),
            _ => None,
        });
        page(all, at, |shift| shift.id.0)
    }

    fn tasks(&self, at: Page) -> Found<'_, Vec<Task>> {
        let mut all = self.last(|change| match change {
            Change::Task(task) => Some((task.id, task)),
            _ => None,
        });
        all.retain(|task| task.over_at.is_some());
        page(all, at, |task| task.id.0)
    }

    fn admissions(&self, at: Page) -> Found<'_, Vec<Admission>> {
        let all = self.last(|change| match change {
            Change::Admission(admission) => Some((admission.id, admission)),
            _ => None,
        });
        page(all, at, |admission| admission.id.0)
    }

    fn tickets(&self, at: Page) -> Found<'_, Vec<Ticket>> {
        page(Site::tickets(self), at, |ticket| ticket.id.0)
    }
}
