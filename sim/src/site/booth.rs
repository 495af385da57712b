//! A booth with two operators: one has the shift, takes cash and settles misreads by what it sees; at intervals the
//! other counts the drawer and takes over. Works by the console's own pages and decides nothing about a lane.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::time::sleep;

use super::{
    annex::BOOTH,
    attendant::Attendant,
    tales::{Tale, Tales},
};

const SHIFT: &str = "/console/shift";
const BETWEEN_SHIFTS: Duration = Duration::from_secs(30);
/// Whoever has no phone walks to the window.
const WALK: Duration = Duration::from_secs(3);
/// Of so many hand-overs one is a yuan short.
const SHORT_EACH: usize = 3;

#[derive(Debug)]
pub(super) struct Booth {
    operators: [Arc<Attendant>; 2],
    on_duty: AtomicUsize,
    tales: Tales,
}

impl Booth {
    /// Opens the first shift, unless one is open from an earlier run.
    pub(super) async fn open(operators: [Arc<Attendant>; 2], tales: Tales) -> Self {
        let mut on_duty = 0;
        let form = [("booth", BOOTH), ("amount", "200.00")];
        for (nth, operator) in operators.iter().enumerate() {
            let page = operator.page(SHIFT).await.unwrap_or_default();
            if page.contains("/console/shift/close") {
                on_duty = nth;
            }
        }
        // Refused where one is open.
        operators[on_duty].fill("/console/shift/open", &form).await;
        Self { operators, on_duty: AtomicUsize::new(on_duty), tales }
    }

    pub(super) fn on_duty(&self) -> &Arc<Attendant> {
        &self.operators[self.on_duty.load(Ordering::Relaxed)]
    }

    /// The drawer changes hands again and again.
    pub(super) async fn keep(self: Arc<Self>) {
        for number in 1.. {
            sleep(BETWEEN_SHIFTS).await;
            self.hand_over(number).await;
        }
    }

    async fn hand_over(&self, number: usize) -> Option<()> {
        let page = self.on_duty().page(SHIFT).await?;
        let mut counted = expected(&page)?;
        if number.is_multiple_of(SHORT_EACH) {
            counted -= 100;
        }
        let amount = yuan(counted);
        let next = 1 - self.on_duty.load(Ordering::Relaxed);
        let form = [("booth", BOOTH), ("amount", &amount)];
        self.operators[next].fill("/console/shift/take-over", &form).await?;
        self.on_duty.store(next, Ordering::Relaxed);
        self.tales.tell(Tale::HandOver, || {
            format!("{} counts {amount} and takes over the booth", self.operators[next].name())
        });
        Some(())
    }

    /// A vehicle waits in a lane with this plate on it: whose stay it is, if that is what is asked.
    pub(super) async fn settles(&self, lane: &str, plate: &str) -> bool {
        self.try_settle(lane, plate).await.is_some()
    }

    async fn try_settle(&self, lane: &str, plate: &str) -> Option<()> {
        let operator = self.on_duty();
        let tasks = operator.facts("/api/v1/tasks").await?;
        let task = tasks
            .as_array()?
            .iter()
            .find(|task| task["lane"] == lane && task["about"]["is"] == "misread")?;
        let stays = operator.facts("/api/v1/stays").await?;
        let stay = stays.as_array()?.iter().find(|stay| stay["plate"] == plate)?;
        let candidates = task["about"]["candidates"].as_array()?;
        candidates.iter().find(|one| one["stay"] == stay["id"])?;
        let path = format!("/console/tasks/{}/stay", task["id"].as_i64()?);
        let picked = stay["id"].as_i64()?.to_string();
        operator.fill(&path, &[("stay", &picked)]).await?;
        self.tales.tell(Tale::Misread, || {
            let raw = task["about"]["raw"].as_str().unwrap_or_default();
            format!("{lane} read {raw}: {} picks {plate} by the pictures", operator.name())
        });
        Some(())
    }

    /// The driver in a lane has no phone and comes to the window.
    pub(super) async fn takes_cash(&self, lane: &str) {
        sleep(WALK).await;
        let _ = self.try_cash(lane).await;
    }

    async fn try_cash(&self, lane: &str) -> Option<()> {
        let operator = self.on_duty();
        let lanes = operator.facts("/api/v1/lanes").await?;
        let order = &lanes.as_array()?.iter().find(|one| one["id"] == lane)?["order"];
        let owed = minor(&order["amount"])?;
        // With the next ten-yuan note, and change.
        let given = yuan((owed / 1_000 + 1) * 1_000);
        let path = format!("/console/orders/{}/cash", order["id"].as_i64()?);
        operator.fill(&path, &[("amount", &given)]).await?;
        self.tales.tell(Tale::Cash, || {
            format!("{lane}: {} takes {given} for {}, with change", operator.name(), yuan(owed))
        });
        Some(())
    }
}

/// What the shift's page says must be in the drawer, in fen.
fn expected(page: &str) -> Option<i64> {
    let text = page.split("应有现金").nth(1)?.split("<b>").nth(1)?.split("</b>").next()?;
    let number: String = text.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
    let (whole, part) = number.split_once('.')?;
    Some(whole.parse::<i64>().ok()? * 100 + part.parse::<i64>().ok()?)
}

fn minor(amount: &Value) -> Option<i64> {
    amount["minor"].as_i64()
}

fn yuan(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawer_is_read_from_the_page() {
        let page = "<tr><th>应有现金</th><td class=\"num\"><b>¥1205.50</b></td></tr>";
        assert_eq!(expected(page), Some(120_550));
        assert_eq!(expected("<p>没有车辆等候。</p>"), None);
        assert_eq!(yuan(120_550), "1205.50");
    }
}
