//! What a lane says, put on its display. Knows no price and no rule, and not how a frame gets there.

use std::{sync::Arc, time::Duration};

use paifang_devices::{Screen, screen::Line};
use tokio::sync::watch;
use tracing::{info, warn};

use super::{Pulse, frames::FramePort};
use crate::{
    app::{App, Busy},
    config::{Filled, Language, Texts},
    core::{AlarmKind, Input, Message, lane::Help, ticket::NotAdmitted},
    http::ports::Fault,
    types::{DeviceId, Money},
};

/// A text that could not be shown by then is tried again, unless another has come.
const STALE: Duration = Duration::from_secs(5);
/// The first failure of a start is often a line or a broker that is still coming up.
const RETRY: Duration = Duration::from_secs(1);
/// Failures in a row that the operator is told of.
const FAILURES_TOLD: u32 = 2;
/// A board that was without power shows the lane's text again after this.
const REFRESH: Duration = Duration::from_mins(1);
/// Boards with temporary text go back to their own advertisement; the text is shown again before that.
const REFRESH_TEMPORARY: Duration = Duration::from_secs(8);

pub struct Display {
    pub id: DeviceId,
    pub app: App,
    pub pulse: Pulse,
    pub screen: Screen,
    pub port: Arc<dyn FramePort>,
    /// Between two texts, at least.
    pub pause: Duration,
}

impl Display {
    /// Shows each new message of a lane until the daemon stops; only the latest matters.
    pub async fn run(self, messages: watch::Receiver<Message>, texts: Arc<Texts>) {
        self.show_each(messages, |message| fill(&texts, message)).await;
    }

    /// Shows each new text of a sign until the daemon stops.
    pub async fn run_sign(self, texts: watch::Receiver<Filled>) {
        self.show_each(texts, Filled::clone).await;
    }

    async fn show_each<T>(mut self, mut messages: watch::Receiver<T>, fill: impl Fn(&T) -> Filled) {
        let mut failures = 0;
        loop {
            let mut filled = fill(&messages.borrow_and_update());
            loop {
                let shown = self.show(&filled).await;
                if self.tell(&shown, &mut failures).await.is_err() {
                    return;
                }
                // Shown again, or late, it is shown silently.
                if failures != 1 {
                    filled.voice = None;
                }
                if !self.pause.is_zero() {
                    tokio::time::sleep(self.pause).await;
                }
                match tokio::time::timeout(self.again(failures), messages.changed()).await {
                    Ok(Ok(())) => break,
                    Ok(Err(_)) => return,
                    Err(_) => {}
                }
            }
        }
    }

    /// When the same text goes out once more.
    fn again(&self, failures: u32) -> Duration {
        match (failures, &self.screen) {
            (0, Screen::Olm(_)) => REFRESH,
            (0, Screen::Aa55(_)) => REFRESH_TEMPORARY,
            (1, _) => RETRY,
            _ => STALE,
        }
    }

    async fn show(&mut self, filled: &Filled) -> Result<(), String> {
        let lines: Vec<Line<'_>> =
            filled.lines.iter().map(|(text, color)| Line { text, color: Some(*color) }).collect();
        let gap = Duration::from_millis(self.screen.gap_ms().into());
        let until = super::board::soon(STALE);
        for frame in self.screen.show(&lines, filled.voice.as_deref()) {
            self.port.send(frame, gap, until).await?;
        }
        Ok(())
    }

    /// The board answers nothing: whether its line takes frames is all that is known of it.
    async fn tell(&self, shown: &Result<(), String>, failures: &mut u32) -> Result<(), Busy> {
        let (subject, kind) = (self.id.to_string(), AlarmKind::DeviceSilent);
        let former = *failures;
        *failures = if shown.is_ok() { 0 } else { former.saturating_add(1) };
        if shown.is_ok() {
            self.pulse.sent();
        } else {
            self.pulse.failed(Fault::Unreachable);
        }
        match shown {
            Ok(()) if former >= FAILURES_TOLD => {
                info!(display = %self.id, "it shows the lane's text again");
                self.app.submit(Input::Well { subject, kind }, None).await
            }
            Err(why) if *failures == FAILURES_TOLD => {
                warn!(display = %self.id, %why, "the display shows an old text");
                self.app.submit(Input::Trouble { subject, kind, detail: why.clone() }, None).await
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// The driver's own plate stands in full at the driver's own lane.
fn fill(texts: &Texts, message: &Message) -> Filled {
    match message {
        Message::Ready => texts.fill("ready", &[]),
        Message::Welcome { plate } => texts.fill("welcome", &[("plate", plate.full().into())]),
        Message::Pay { plate, amount, minutes } => {
            let amount = said_amount(texts.language, *amount);
            let length = said_length(texts.language, *minutes);
            let plate = plate.full().into();
            texts.fill("pay", &[("plate", plate), ("amount", amount), ("length", length)])
        }
        Message::Charging { plate, amount } => {
            let amount = said_amount(texts.language, *amount);
            texts.fill("charging", &[("plate", plate.full().into()), ("amount", amount)])
        }
        Message::Charged { plate, amount } => {
            let amount = said_amount(texts.language, *amount);
            texts.fill("charged", &[("plate", plate.full().into()), ("amount", amount)])
        }
        Message::GoodBye { plate } => texts.fill("good_bye", &[("plate", plate.full().into())]),
        Message::PassEnds { plate, entering, days } => {
            let situation = if *entering { "pass_ends_in" } else { "pass_ends_out" };
            let plate = plate.full().into();
            texts.fill(situation, &[("plate", plate), ("days", days.to_string())])
        }
        Message::Owes { plate, amount } => {
            let amount = said_amount(texts.language, *amount);
            texts.fill("owes", &[("plate", plate.full().into()), ("amount", amount)])
        }
        Message::Balance { plate, left } => {
            let left = said_amount(texts.language, *left);
            texts.fill("balance", &[("plate", plate.full().into()), ("left", left)])
        }
        Message::Denied { plate, why } => {
            texts.fill(denial(*why), &[("plate", plate.full().into())])
        }
        Message::Wait => texts.fill("wait", &[]),
        Message::Help => texts.fill("help", &[]),
        Message::HelpCalled { taken: false } => texts.fill("help_called", &[]),
        Message::HelpCalled { taken: true } => texts.fill("help_coming", &[]),
        Message::Full => texts.fill("full", &[]),
        Message::LaneClosed => texts.fill("lane_closed", &[]),
        Message::Faulty => texts.fill("faulty", &[]),
        Message::HeldOpen => texts.fill("held_open", &[]),
        Message::PassOn { left: 0 } => texts.fill("pass_on", &[]),
        Message::PassOn { left } => texts.fill("pass_on_more", &[("left", left.to_string())]),
        Message::NotAdmitted { why } => refused(texts, *why),
    }
}

/// How far a phone's clock is off is said where that is why.
fn refused(texts: &Texts, why: NotAdmitted) -> Filled {
    match why {
        NotAdmitted::PictureOld(minutes) | NotAdmitted::ClockAhead(minutes) => {
            texts.fill(refusal(why), &[("minutes", minutes.to_string())])
        }
        why => texts.fill(refusal(why), &[]),
    }
}

/// The situation of a turnstile that stays closed.
fn refusal(why: NotAdmitted) -> &'static str {
    match why {
        NotAdmitted::Unknown => "not_admitted_unknown",
        NotAdmitted::UsedUp => "not_admitted_used_up",
        NotAdmitted::TooEarly => "not_admitted_too_early",
        NotAdmitted::TooLate => "not_admitted_too_late",
        NotAdmitted::Revoked => "not_admitted_revoked",
        NotAdmitted::LaneLocked => "not_admitted_lane_locked",
        NotAdmitted::Busy => "not_admitted_busy",
        NotAdmitted::Faulty => "not_admitted_faulty",
        NotAdmitted::Unreadable => "not_admitted_unreadable",
        NotAdmitted::Forged => "not_admitted_forged",
        NotAdmitted::OtherSite => "not_admitted_other_site",
        NotAdmitted::KeyRetired => "not_admitted_key_retired",
        NotAdmitted::PictureOld(_) => "not_admitted_picture_old",
        NotAdmitted::ClockAhead(_) => "not_admitted_clock_ahead",
        NotAdmitted::PageNeeded => "not_admitted_page_needed",
        NotAdmitted::Printed => "not_admitted_printed",
        NotAdmitted::Reissued => "not_admitted_reissued",
        NotAdmitted::OtherGate => "not_admitted_other_gate",
        NotAdmitted::Inside => "not_admitted_inside",
        NotAdmitted::NoReturn => "not_admitted_no_return",
        NotAdmitted::Full => "not_admitted_full",
        NotAdmitted::Unchecked => "not_admitted_unchecked",
        NotAdmitted::Apart => "not_admitted_apart",
        NotAdmitted::CardLost => "not_admitted_card_lost",
        NotAdmitted::CloudRefused => "not_admitted_cloud_refused",
        NotAdmitted::CloudSilent => "not_admitted_cloud_silent",
    }
}

/// The situation of a vehicle that is not let pass.
fn denial(why: Help) -> &'static str {
    match why {
        Help::Black | Help::TypedPlate => "denied",
        Help::Arrears => "denied_arrears",
        Help::Full => "denied_full",
        Help::PassEnded => "denied_pass_ended",
        Help::PassUsedUp => "denied_pass_used_up",
        Help::WrongZone | Help::WrongLane => "denied_other_lane",
        Help::OutOfHours => "denied_out_of_hours",
        Help::AlreadyInside | Help::NotInside => "denied_passback",
        _ => "help",
    }
}

/// As a voice says it: 1时5分, 1 h 5 min.
pub(super) fn said_length(language: Language, minutes: i64) -> String {
    let (hours, rest) = (minutes / 60, minutes % 60);
    match (language, hours) {
        (Language::Zh, 0) => format!("{rest}分"),
        (Language::Zh, _) => format!("{hours}时{rest}分"),
        (Language::En, 0) => format!("{rest} min"),
        (Language::En, _) => format!("{hours} h {rest} min"),
    }
}

/// As a voice can say it: 12.5元 or 12.5 CNY, not ¥12.50.
pub(super) fn said_amount(language: Language, amount: Money) -> String {
    let (whole, part) = (amount.minor / 100, amount.minor % 100);
    let number = match (amount.currency.decimals(), part) {
        (0, _) => amount.minor.to_string(),
        (_, 0) => whole.to_string(),
        (_, part) if part % 10 == 0 => format!("{whole}.{}", part / 10),
        (_, part) => format!("{whole}.{part:02}"),
    };
    match (language, amount.currency) {
        (Language::Zh, crate::types::Currency::Cny) => format!("{number}元"),
        (_, currency) => format!("{number} {}", currency.code()),
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
    use crate::{
        config::DisplaySection,
        types::{Currency, Plate},
    };

    fn texts(language: Language) -> Texts {
        Texts::new(&DisplaySection { language, ..DisplaySection::default() }, "湖畔").unwrap()
    }

    #[test]
    fn amounts_and_lengths_as_the_voice_says_them() {
        let said = |minor, currency| said_amount(Language::Zh, Money::new(minor, currency));
        let cny = |minor| said(minor, Currency::Cny);
        assert_eq!([cny(500), cny(1_250), cny(1_205)], ["5元", "12.5元", "12.05元"]);
        assert_eq!([said(500, Currency::Jpy), said(500, Currency::Eur)], ["500 JPY", "5 EUR"]);
        let length = |minutes| said_length(Language::Zh, minutes);
        assert_eq!([length(59), length(61)], ["59分", "1时1分"]);
        assert_eq!(said_length(Language::En, 125), "2 h 5 min");
    }

    #[test]
    fn every_message_has_its_text_in_both_languages() {
        let plate = Plate::parse("京A12345").unwrap();
        let amount = Money::new(1_250, Currency::Cny);
        let messages = [
            Message::Ready,
            Message::Welcome { plate: plate.clone() },
            Message::Pay { plate: plate.clone(), amount, minutes: 61 },
            Message::GoodBye { plate },
            Message::Wait,
            Message::Help,
            Message::HelpCalled { taken: false },
            Message::HelpCalled { taken: true },
            Message::Full,
            Message::LaneClosed,
            Message::Faulty,
            Message::HeldOpen,
        ];
        for language in [Language::Zh, Language::En] {
            for message in &messages {
                let filled = fill(&texts(language), message);
                assert_eq!(filled.lines.len(), 2, "{message:?}");
                let said = filled.lines.iter().map(|(text, _)| text).chain(&filled.voice);
                let open = said.filter(|text| text.contains('{')).count();
                assert_eq!(open, 0, "a hole is left in {message:?}");
            }
        }
        let pay = fill(&texts(Language::Zh), &messages[2]);
        assert_eq!(pay.voice.unwrap(), "京A12345,请缴费12.5元");
        assert_eq!(pay.lines[1].0, "1时1分 12.5元");
        assert_eq!(fill(&texts(Language::Zh), &Message::Ready).lines[0].0, "湖畔");
    }
}
