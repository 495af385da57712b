//! The story of a run's last steps, in aligned columns, for whoever looks into a failure. Knows no law.

use std::fmt::Write;

use jiff::Timestamp;
use paifang::core::{Change, Effect, Input, input::Reply};

/// One step: what came, what it changed, what was done, what was answered.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) step: u64,
    pub(super) at: Timestamp,
    pub(super) input: Input,
    pub(super) changes: Vec<Change>,
    pub(super) effects: Vec<Effect>,
    pub(super) reply: Reply,
}

impl Told {
    /// Aligned columns: step, time, input, then what changed, was done and said.
    pub(super) fn line(&self, story: &mut String) {
        let mut input = format!("{:?}", self.input);
        if let Input::Read { lane, read } = &self.input {
            input = format!("Read {lane} {} live={} {:?}", read.event, read.live, read.plate);
        }
        let time = self.at.strftime("%d %H:%M:%S%.3f");
        let _ = writeln!(story, "{:>7}  {time}  {}", self.step, cut(&input, 110));
        for change in &self.changes {
            let text = match change {
                Change::Lane(lane) => {
                    let visit = lane.visit.as_ref();
                    let order = lane.order.as_ref().map(|o| (o.id.0, o.action));
                    format!(
                        "lane {} {} {:?} plate={:?} stay={:?} cause={:?} last={order:?}",
                        lane.id,
                        lane.phase.name(),
                        lane.due.map(|due| due.why),
                        visit.and_then(|v| v.plate.as_ref()),
                        visit.and_then(|v| v.stay).map(|id| id.0),
                        visit.and_then(|v| v.cause.as_ref()),
                    )
                }
                Change::Stay(s) => format!(
                    "stay {} {} {:?} paid={} order={:?}",
                    s.id,
                    s.plate,
                    s.state,
                    s.paid_minor,
                    s.order.map(|o| o.0)
                ),
                Change::Order(o) => {
                    let stay = o.stay.map_or(0, |stay| stay.0);
                    format!("order {} stay={stay} {} {}", o.id, o.amount, o.state.name())
                }
                Change::Payment(p) => format!(
                    "payment {} order={} {} {} asks={}",
                    p.out_trade_no,
                    p.order,
                    p.amount,
                    p.state.name(),
                    p.asks
                ),
                other => format!("{} {}", other.kind(), cut(&format!("{other:?}"), 100)),
            };
            let _ = writeln!(story, "{:>22}  + {}", "", cut(&text, 130));
        }
        for effect in &self.effects {
            let _ = writeln!(story, "{:>22}  > {}", "", cut(&format!("{effect:?}"), 130));
        }
        if let Err(refusal) = &self.reply {
            let _ = writeln!(story, "{:>22}  ! {refusal}", "");
        }
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
