//! What a lane says, put on its LED and voice board. Knows no price and no rule.

use std::time::Duration;

use paifang_devices::led_olm::{Line, OlmLed};
use tokio::sync::watch;
use tracing::warn;

use super::{Pulse, board::fault};
use crate::{
    core::Message,
    io::serial::BusHandle,
    types::{DeviceId, Money, Plate},
};

/// A text that could not be shown by then waits for the next one.
const STALE: Duration = Duration::from_secs(5);

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const AMBER: [u8; 3] = [255, 160, 0];

pub struct Display {
    pub id: DeviceId,
    pub pulse: Pulse,
    pub board: OlmLed,
    pub bus: BusHandle,
    pub site_name: String,
}

impl Display {
    /// Shows each new message until the daemon stops; only the latest matters.
    pub async fn run(self, mut messages: watch::Receiver<Message>) {
        let mut failing = false;
        loop {
            let (lines, voice) = self.text(&messages.borrow_and_update().clone());
            let colored: Vec<Line<'_>> =
                lines.iter().map(|(text, color)| Line { text, color: Some(*color) }).collect();
            let frame = self.board.show(&colored, voice.as_deref());
            let gap = Duration::from_millis(self.board.gap_ms().into());
            let sent = self.bus.send(frame, gap, super::board::soon(STALE)).await;
            match &sent {
                Ok(()) => self.pulse.sent(),
                Err(why) => self.pulse.failed(fault(why)),
            }
            match sent {
                Ok(()) => failing = false,
                Err(why) if !failing => {
                    failing = true;
                    warn!(display = %self.id, %why, "the display shows an old text");
                }
                Err(_) => {}
            }
            if messages.changed().await.is_err() {
                return;
            }
        }
    }

    /// Two lines with their colour, and what to say aloud.
    fn text(&self, message: &Message) -> ([(String, [u8; 3]); 2], Option<String>) {
        let say = |text: &str| Some(text.to_owned());
        match message {
            Message::Ready => ([(self.site_name.clone(), AMBER), ("一车一杆".into(), AMBER)], None),
            Message::Welcome { plate } => (
                [(full(plate), GREEN), ("欢迎光临".into(), GREEN)],
                say(&format!("{},欢迎光临", full(plate))),
            ),
            Message::Pay { plate, amount, minutes } => (
                [(full(plate), RED), (format!("{} {}", length(*minutes), yuan(*amount)), RED)],
                say(&format!("{},请缴费{}", full(plate), yuan(*amount))),
            ),
            Message::GoodBye { plate } => (
                [(full(plate), GREEN), ("一路平安".into(), GREEN)],
                say(&format!("{},一路平安", full(plate))),
            ),
            Message::Help => {
                ([("请稍候".into(), RED), ("请扫码或按铃".into(), RED)], say("请稍候"))
            }
            Message::LaneClosed => ([("车道关闭".into(), RED), ("请走其他车道".into(), RED)], None),
            Message::Faulty => ([("道闸检修".into(), RED), ("请稍候".into(), RED)], None),
            Message::HeldOpen => ([("请通行".into(), GREEN), ("一路平安".into(), GREEN)], None),
        }
    }
}

/// The driver's own plate, at the driver's own lane.
fn full(plate: &Plate) -> String {
    plate.full().to_owned()
}

fn length(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}分"),
        (hours, minutes) => format!("{hours}时{minutes}分"),
    }
}

/// As the board's voice can say it: 12.5元, not ¥12.50.
fn yuan(amount: Money) -> String {
    let (whole, part) = (amount.minor / 100, amount.minor % 100);
    match (amount.currency.decimals(), part) {
        (0, _) => format!("{}元", amount.minor),
        (_, 0) => format!("{whole}元"),
        (_, part) if part % 10 == 0 => format!("{whole}.{}元", part / 10),
        (_, part) => format!("{whole}.{part:02}元"),
    }
}

impl std::fmt::Debug for Display {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Display").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Currency;

    #[test]
    fn amounts_and_lengths_as_the_voice_says_them() {
        let cny = |minor| yuan(Money::new(minor, Currency::Cny));
        assert_eq!([cny(500), cny(1_250), cny(1_205)], ["5元", "12.5元", "12.05元"]);
        assert_eq!([length(59), length(61)], ["59分", "1时1分"]);
    }
}
