//! How full each zone is, told to signs and, over MQTT, to other programs. Counts nothing itself.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tracing::debug;

use super::App;
use crate::{
    config::{Filled, Sign},
    core::{
        Rules,
        zone::{Count, Level},
    },
    io::mqtt::{Link, LinkStatus},
};

/// Numbers that change faster than this are told together.
const TOGETHER: Duration = Duration::from_secs(1);
/// Said again after this without a change: the embedded broker keeps nothing for those who come later.
const REPEAT: Duration = Duration::from_secs(10);

/// What a sign shows at these counts.
pub fn sign_text(sign: &Sign, counts: &[Count]) -> Filled {
    let lines = sign.lines.iter().filter_map(|line| {
        let count = counts.iter().find(|count| count.zone == line.zone)?;
        let Some(of) = line.of else {
            return Some(sign.line(&line.name, count.free?, count.level(sign.few)));
        };
        let free = count.spaces.iter().find(|spaces| spaces.of == of)?.free;
        let level = match free {
            0 => Level::Full,
            free if free <= sign.few => Level::Few,
            _ => Level::Free,
        };
        Some(sign.line(&line.name, free, level))
    });
    Filled { lines: lines.collect(), voice: None }
}

/// Tells signs and the broker of every change.
#[derive(Debug)]
pub struct Counts {
    pub app: App,
    pub rules: Arc<Rules>,
    pub link: Link,
    /// A broker of the site's own keeps the last word for those who come later.
    pub kept: bool,
    pub signs: Vec<(Sign, watch::Sender<Filled>)>,
}

impl Counts {
    /// Runs until the daemon stops.
    pub async fn run(self) {
        let (mut version, mut status) = (self.app.version(), self.link.status());
        let mut told: Vec<Count> = Vec::new();
        loop {
            version.mark_unchanged();
            let up = *status.borrow_and_update() == LinkStatus::Up;
            let rules = Arc::clone(&self.rules);
            let Ok(counts) = self.app.read(move |state| Count::all(state, &rules)).await else {
                return;
            };
            self.show(&counts);
            if up {
                for count in counts.iter().filter(|count| !told.contains(count)) {
                    self.publish(count);
                }
                told = counts;
            }
            tokio::time::sleep(TOGETHER).await;
            tokio::select! {
                changed = version.changed() => if changed.is_err() { return },
                changed = status.changed() => {
                    if changed.is_err() { return }
                    told.clear();
                }
                () = tokio::time::sleep(REPEAT) => told.clear(),
            }
        }
    }

    fn show(&self, counts: &[Count]) {
        for (sign, text) in &self.signs {
            let filled = sign_text(sign, counts);
            text.send_if_modified(|shown| {
                let differs = *shown != filled;
                if differs {
                    *shown = filled;
                }
                differs
            });
        }
    }

    fn publish(&self, count: &Count) {
        let Ok(body) = serde_json::to_vec(count) else { return };
        let topic = format!("paifang/zones/{}", count.zone);
        let sent = if self.kept {
            self.link.publish_kept(&topic, body)
        } else {
            self.link.publish(&topic, body)
        };
        if let Err(why) = sent {
            debug!(zone = %count.zone, %why, "a count was not told; it is told again");
        }
    }
}
