//! A table's site in virtual time: the pure core, obedient arms, and a bank that answers at once. Knows no wire.

mod lanes;
mod money;

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    time::Duration,
};

use jiff::Timestamp;
use paifang::{
    config,
    core::{
        Change, Effect, Input, Message, Rules, State, decide,
        input::{Answer, ArmOutcome, Asked, Reply},
        lane::Sensor,
        money::Account,
        shift_matches_postings,
        stay::{Stay, StayState},
        tariff::Earlier,
        till::Shift,
    },
    types::{
        LaneId, Money, ShiftId, StayId,
        bank::{Ask, PayWay, Word},
    },
};

use self::lanes::Arm;
use super::{
    checks::{Check, is, named},
    desk::DeskStep,
    head::Head,
    plates::{self, PlateStep, Plates},
    run::Backend,
    sold::{self, SoldStep, with_records},
    steps::{BankStep, Step},
};

/// Monday 2026-11-23, midnight at the site.
const MIDNIGHT: &str = "2026-11-22T16:00:00Z";
/// Until a table says otherwise it is eight in the morning.
const EARLY: Duration = Duration::from_hours(8);
/// Between two things a moving vehicle does.
const MOMENT: Duration = Duration::from_secs(1);
const STORY_MAX: usize = 40;

/// Changes what is decided, for a test of whether the tables notice.
pub(super) type Spoil = fn(&mut Vec<Change>, &mut Vec<Effect>);

/// The core and all that a table may ask of it.
#[derive(Debug)]
pub struct CoreSite {
    pub state: State,
    pub rules: Rules,
    pub(super) now: Timestamp,
    /// Every change ever, as the journal has it.
    pub journal: Vec<Change>,
    effects: VecDeque<Effect>,
    arms: BTreeMap<LaneId, Arm>,
    shown: BTreeMap<LaneId, Message>,
    opened: BTreeMap<LaneId, u32>,
    stays: BTreeMap<StayId, Stay>,
    /// What was asked for and whether it was paid, by `out_trade_no`.
    trades: BTreeMap<String, (Money, bool)>,
    /// The cashier a lane's driver has open.
    cashiers: BTreeMap<LaneId, String>,
    bank_silent: bool,
    plates: Plates,
    reads: u32,
    pub(super) reply: Option<Reply>,
    story: VecDeque<String>,
    sabotage: Option<Spoil>,
}

impl CoreSite {
    /// The site a table's head describes; `folder` is where its secrets may be written.
    pub fn new(head: &Head, folder: &Path) -> Result<Self, String> {
        head.write_files(folder).map_err(|e| e.to_string())?;
        let secrets = folder.join("secrets.toml");
        std::fs::write(&secrets, head.secrets_toml()).map_err(|e| e.to_string())?;
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&secrets, owner_only).map_err(|e| e.to_string())?;
        let text = head.site_toml();
        let site = config::parse(&text, folder).map_err(|mistakes| {
            let told = mistakes.iter().map(|m| format!("{}: {}", m.field, m.what));
            format!("the site's settings: {}", told.collect::<Vec<_>>().join("; "))
        })?;
        let mut rules = site.rules;
        if head.keys.iter().any(|(section, ..)| section == "frictionless") {
            plates::allow(&mut rules);
        }
        Ok(Self::with(rules))
    }

    fn with(rules: Rules) -> Self {
        let midnight: Timestamp = MIDNIGHT.parse().expect("an instant of this file");
        let mut site = Self {
            state: State::default(),
            rules,
            now: midnight,
            journal: Vec::new(),
            effects: VecDeque::new(),
            arms: BTreeMap::new(),
            shown: BTreeMap::new(),
            opened: BTreeMap::new(),
            stays: BTreeMap::new(),
            trades: BTreeMap::new(),
            cashiers: BTreeMap::new(),
            bank_silent: false,
            plates: Plates::default(),
            reads: 0,
            reply: None,
            story: VecDeque::new(),
            sabotage: None,
        };
        site.tell(Input::Started);
        let lanes: Vec<LaneId> = site.rules.lanes.keys().cloned().collect();
        for lane in lanes {
            for (sensor, on) in [
                (Sensor::Arrival, false),
                (Sensor::Safety, false),
                (Sensor::OpenLimit, false),
                (Sensor::ClosedLimit, true),
            ] {
                site.sensor(&lane, sensor, on);
            }
        }
        site.go_on_to(midnight + EARLY);
        site
    }

    /// Spoils every decision, for a test of whether the tables notice.
    #[must_use]
    pub fn spoiled_by(mut self, how: fn(&mut Vec<Change>, &mut Vec<Effect>)) -> Self {
        self.sabotage = Some(how);
        self
    }

    // ---- the core --------------------------------------------------------------------------------

    pub(super) fn tell(&mut self, input: Input) {
        self.note(&input);
        let decision = decide(&self.state, &self.rules, self.now, input);
        let (mut changes, mut effects) = (decision.changes, decision.effects);
        if let Some(spoil) = self.sabotage {
            spoil(&mut changes, &mut effects);
        }
        for change in changes {
            self.state.apply(&change);
            if let Change::Stay(stay) = &change {
                self.stays.insert(stay.id, stay.clone());
            }
            if !matches!(change, Change::Lane(_) | Change::ReadTaken { .. }) {
                self.tell_story(&format!("  + {}", cut(&format!("{change:?}"))));
            }
            self.journal.push(change);
        }
        if let Err(refusal) = &decision.reply {
            self.tell_story(&format!("  ! {refusal}"));
        }
        self.reply = Some(decision.reply);
        let outermost = self.effects.is_empty();
        self.effects.extend(effects);
        if outermost {
            let reply = self.reply.clone();
            while let Some(effect) = self.effects.front().cloned() {
                self.perform(effect);
                self.effects.pop_front();
            }
            self.reply = reply;
        }
    }

    fn perform(&mut self, effect: Effect) {
        self.tell_story(&format!("  > {}", cut(&format!("{effect:?}"))));
        match effect {
            Effect::Arm { lane, command, action, .. } => {
                self.tell(Input::ArmAnswered {
                    lane: lane.clone(),
                    command,
                    outcome: ArmOutcome::Done,
                });
                self.move_arm(&lane, action);
            }
            Effect::Show { lane, message } => {
                self.shown.insert(lane, message);
            }
            Effect::AskAgreement { channel, stay, ask } => {
                if !self.bank_silent {
                    let (at_exit, word) = (ask.amount.is_some(), self.plates.agreement(&ask.plate));
                    self.tell(Input::AgreementSaid { stay, channel, at_exit, word });
                }
            }
            Effect::AskBank { ask, .. } if ask.way() == PayWay::Plate => {
                let answer = self.plates.answer(&ask).filter(|_| !self.bank_silent);
                if let Some((to, word)) = answer {
                    let out_trade_no = ask.out_trade_no().to_owned();
                    self.tell(Input::BankSaid { out_trade_no, to, word });
                }
            }
            Effect::AskBank { ask, .. } => self.ask_bank(&ask),
            Effect::AskRefund { refund, ask, .. } => {
                let word = match ask {
                    _ if self.bank_silent => Word::Unknown { why: "silence".into() },
                    Ask::Refund { amount, .. } => Word::RefundDone { amount },
                    _ => Word::Refunded,
                };
                self.tell(Input::RefundSaid { refund, word });
            }
            Effect::FindTicket { lane, shown } => {
                self.tell(Input::TicketFound { lane, shown, ticket: None });
            }
            Effect::FindVisits { stay, plate, since } => {
                let of = self.stays.range(..stay).map(|(_, stay)| stay);
                let left = of.filter(|s| s.plate == plate && s.state == StayState::Left);
                let visits = left.filter_map(|s| {
                    let to = s.left_at.filter(|to| *to >= since)?;
                    Some(Earlier { from: s.entered_at, to, charged_minor: s.paid_minor })
                });
                let visits = visits.collect();
                self.tell(Input::VisitsFound { stay, visits });
            }
            Effect::Pass { .. }
            | Effect::TriggerRead { .. }
            | Effect::Turned { .. }
            | Effect::AskInvoice { .. }
            | Effect::FindInvoice { .. }
            | Effect::FindBought { .. }
            | Effect::AskSister { .. }
            | Effect::FindCloudTicket { .. }
            | Effect::AskCloud { .. }
            | Effect::TellSister { .. }
            | Effect::TellLeft { .. } => {}
        }
    }

    fn go_on_to(&mut self, at: Timestamp) {
        for _ in 0..100_000 {
            let Some(due) = self.state.next_deadline().filter(|due| *due <= at) else { break };
            self.now = due.max(self.now);
            self.tell(Input::Tick);
        }
        self.now = at.max(self.now);
    }

    /// Each as it is now, or was when it was handed over.
    fn shifts(&self) -> BTreeMap<ShiftId, &Shift> {
        let known = self.journal.iter().filter_map(|change| match change {
            Change::Shift(shift) => Some((shift.id, shift)),
            _ => None,
        });
        known.collect()
    }

    // ---- the story -------------------------------------------------------------------------------

    fn note(&mut self, input: &Input) {
        let at =
            self.now.to_zoned_datetime(self.rules.zone.clone()).strftime("%d %H:%M:%S").to_string();
        self.tell_story(&format!("{at} {}", cut(&format!("{input:?}"))));
    }

    fn tell_story(&mut self, line: &str) {
        if self.story.len() >= STORY_MAX {
            self.story.pop_front();
        }
        self.story.push_back(line.to_owned());
    }
}

fn cut(text: &str) -> String {
    text.chars().take(180).collect()
}

impl Backend for CoreSite {
    fn go_to(&mut self, seconds: u64) -> Result<(), String> {
        let midnight: Timestamp = MIDNIGHT.parse().expect("an instant of this file");
        let at = midnight + Duration::from_secs(seconds);
        if at < self.now {
            return Err(format!(
                "it is {} already",
                self.now.to_zoned_datetime(self.rules.zone.clone())
            ));
        }
        self.go_on_to(at);
        Ok(())
    }

    fn wait(&mut self, time: Duration) -> Result<(), String> {
        self.go_on_to(self.now + time);
        Ok(())
    }

    fn row(&mut self) {
        self.opened.clear();
        self.reply = None;
    }

    fn act(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Lane(lane, step) => self.lane_step(lane, step),
            Step::Desk(DeskStep::Sold(SoldStep::Phone(plate))) => self.pay_for_pass(plate),
            Step::Desk(step) => {
                let input = step.input(&self.state, &self.rules, self.now)?;
                self.tell(with_records(input, &self.journal));
                Ok(())
            }
            Step::Counter(step) => {
                let input = step.input(&self.state, &self.rules, self.now)?;
                self.tell(input);
                Ok(())
            }
            Step::Prepays(plate) => self.prepay(plate),
            Step::PaysArrears(plate) => self.pay_arrears(plate),
            Step::Wait(time) => self.wait(*time),
            Step::Plate(step) => {
                for (out_trade_no, word) in self.plates.act(step) {
                    self.tell(Input::BankSaid { out_trade_no, to: Asked::Notified, word });
                }
                if let PlateStep::BindsInside(plate) = step {
                    self.tell(Input::AgreementMade { plate: plate.clone() });
                }
                Ok(())
            }
            Step::Bank(step) => {
                self.bank_silent = *step == BankStep::Silent;
                Ok(())
            }
        }
    }

    fn look(&mut self, check: &Check) -> Result<(), String> {
        if let Some(told) = check.holds(&self.state, &self.rules.zones) {
            return told;
        }
        match check {
            Check::Opens(lane) => is(self.opened.get(lane).copied().unwrap_or(0), 1),
            Check::StaysShut(lane) => is(self.opened.get(lane).copied().unwrap_or(0), 0),
            Check::Says(lane, wanted) => is(self.shown.get(lane).map(named), Some(wanted.clone())),
            Check::StayIs(plate, wanted) => {
                let stay = self.stays.values().rev().find(|stay| stay.plate == *plate);
                is(stay.map(|stay| stay.state), Some(*wanted))
            }
            Check::Takings(minor) => is(self.ledger(Account::ParkingRevenue), *minor),
            Check::Stored(minor) => is(self.ledger(Account::StoredValue), *minor),
            Check::PassTakings(minor) => is(self.ledger(Account::PassRevenue), *minor),
            Check::Refunded(minor) => is(self.refunded(), *minor),
            Check::ChangeGiven(minor) => match &self.reply {
                Some(Ok(Answer::Cash(_, change))) => is(change.minor, *minor),
                other => Err(format!("it was answered {other:?}")),
            },
            Check::DrawerOver(minor) => {
                let shift = self.shifts().into_values().rfind(|shift| shift.counted.is_some());
                is(shift.and_then(Shift::over_minor), Some(*minor))
            }
            Check::Refused(words) => match &self.reply {
                Some(Err(refusal)) if refusal.to_string().contains(words.as_str()) => Ok(()),
                other => Err(format!("it was answered {other:?}")),
            },
            _ => Err("that is no matter of a site in virtual time".into()),
        }
    }

    /// The journal, as text, rebuilds the state; shifts say what was posted.
    fn end(&mut self) -> Result<(), String> {
        let mut rebuilt = State::default();
        for change in &self.journal {
            let line = serde_json::to_string(change).map_err(|e| e.to_string())?;
            rebuilt.apply(&serde_json::from_str(&line).map_err(|e| e.to_string())?);
        }
        if rebuilt != self.state {
            return Err("the journal gives another state".into());
        }
        let held: i64 = self.state.passes.values().map(sold::balance).sum();
        is(self.ledger(Account::StoredValue), held).map_err(|why| format!("passes hold: {why}"))?;
        match self
            .shifts()
            .into_values()
            .find(|shift| !shift_matches_postings(shift, self.postings()))
        {
            Some(shift) => Err(format!("the postings do not add up to {shift:?}")),
            None => Ok(()),
        }
    }

    fn story(&self) -> String {
        self.story.iter().cloned().collect::<Vec<_>>().join("\n")
    }
}
