//! A site with traffic, driven through the core by a seed, and a directory that goes away. Checks nothing itself.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use jiff::Timestamp;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use crate::{
    core::{
        AlarmKind, Change, Effect, Input, Rules, State, decide,
        gate::{Counted, Way},
        input::{ArmOutcome, Asked, PassOutcome},
        lane::{OperatorAct, Phase, Sensor},
        presented::Presented,
        rules::{
            AccessRules, Direction, GateRules, GateTimes, LaneRules, PassbackMode, Wired, Zones,
        },
        stay::Read,
        tariff::Tariff,
        task::{CallFrom, TaskAct},
    },
    store::{Reader, Writer},
    types::{
        Code, Currency, DeviceId, LaneId, Money, Plate, RefundId,
        bank::{Ask, Word},
    },
};

/// A directory of one test.
pub(super) struct Dir(PathBuf);

impl Dir {
    pub(super) fn new(name: &str) -> Self {
        let unique = format!("paifang-{name}-{}-{:x}", std::process::id(), rand::rng().next_u64());
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn db(&self) -> PathBuf {
        self.0.join("data/site.db")
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) fn lane(id: &str) -> LaneId {
    LaneId::parse(id).unwrap()
}

pub(super) fn start() -> Timestamp {
    "2026-11-23T08:00:00.123456789Z".parse().unwrap()
}

/// Two entries, two exits, one without any loop.
pub(super) fn rules() -> Rules {
    let wired = Wired {
        arrival: true,
        safety: true,
        open_limit: true,
        closed_limit: true,
        ..Wired::default()
    };
    let lane_rules = LaneRules::new;
    let tariff = Tariff::hourly(15, 500, 4_000);
    let mut access = AccessRules::default();
    access.passback.mode = PassbackMode::Soft;
    Rules {
        access,
        lanes: BTreeMap::from([
            (lane("in"), lane_rules(Direction::Entry, wired)),
            (lane("in-2"), lane_rules(Direction::Entry, Wired::default())),
            (lane("out"), lane_rules(Direction::Exit, wired)),
            (lane("out-2"), lane_rules(Direction::Exit, wired)),
        ]),
        gates: BTreeMap::from([(
            lane("gate"),
            GateRules {
                direction: Direction::Entry,
                zone: Zones::only(),
                counter: true,
                alone: true,
                times: GateTimes::default(),
            },
        )]),
        till: super::money::rules(),
        ..Rules::new("test", jiff::tz::TimeZone::UTC, Currency::Cny, tariff)
    }
}

/// Drivers, operators and a bank that do anything at any time.
pub(super) struct Traffic {
    pub(super) state: State,
    pub(super) now: Timestamp,
    pub(super) rng: StdRng,
    /// Decided and not on disk yet.
    pub(super) pending: Vec<Change>,
    rules: Rules,
    reads: u32,
    /// Of the turnstile.
    counter: u32,
    /// Tickets, so far.
    sold: u32,
    /// Numbers the bank knows, with what was asked for.
    trades: Vec<(String, Money)>,
    refunds: Vec<(RefundId, Money)>,
}

impl Traffic {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: State::default(),
            now: start(),
            rng: StdRng::seed_from_u64(seed),
            pending: Vec::new(),
            rules: rules(),
            reads: 0,
            counter: 0,
            sold: 0,
            trades: Vec::new(),
            refunds: Vec::new(),
        }
    }

    /// Decides one input; the state moves on and the bank hears what it is asked.
    pub(super) fn tell(&mut self, input: Input) {
        let decision = decide(&self.state, &self.rules, self.now, input);
        decision.changes.iter().for_each(|change| self.state.apply(change));
        self.pending.extend(decision.changes);
        for effect in decision.effects {
            match effect {
                Effect::AskBank { ask: Ask::Generate { out_trade_no, amount, .. }, .. } => {
                    self.trades.push((out_trade_no, amount));
                }
                Effect::AskRefund { refund, ask: Ask::Refund { amount, .. }, .. } => {
                    self.refunds.push((refund, amount));
                }
                _ => {}
            }
        }
    }

    /// Puts on disk what is not there yet.
    pub(super) async fn commit(&mut self, writer: &mut Writer) {
        let changes = std::mem::take(&mut self.pending);
        writer.commit(self.now, &changes).await.unwrap();
    }

    /// Something happens.
    pub(super) async fn step(&mut self, reader: &Reader) {
        self.now += Duration::from_millis(self.rng.random_range(0..20_000));
        if self.rng.random_ratio(1, 40) {
            self.now += Duration::from_mins(self.rng.random_range(1..180));
        }
        match self.rng.random_range(0..100) {
            0..30 => self.drive(),
            30..40 => self.people(),
            40..60 => self.read(),
            60..70 => self.pay(),
            70..85 => self.bank(reader).await,
            85..89 => self.operator(),
            89..92 => self.tell(Input::Started),
            92..94 => self.trouble(),
            94..96 => self.persons(),
            96..98 => self.register(),
            98 => self.without_plate(),
            _ => self.tell(Input::Tick),
        }
    }

    /// Calls, tasks and counts.
    fn persons(&mut self) {
        let (lane, who) = (self.any_lane(), "li".to_owned());
        let task = self.state.tasks.keys().copied().next().filter(|_| self.rng.random());
        match task {
            Some(task) if self.rng.random() => {
                self.tell(Input::TaskActed { task, act: TaskAct::Take, who });
            }
            Some(task) => {
                let act = TaskAct::Settle { what: "seen".into() };
                self.tell(Input::TaskActed { task, act, who });
            }
            None if self.rng.random() => {
                let (from, says) = (CallFrom::Phone, String::new());
                self.tell(Input::HelpAsked { lane, from, says });
            }
            None => {
                let (zone, found) = (Zones::only(), self.rng.random_range(0..50));
                self.tell(Input::ZoneCounted { zone, found, who, reason: "walked".into() });
            }
        }
        assert!(self.state.occupancy_is_sound());
    }

    fn any_lane(&mut self) -> LaneId {
        lane(["in", "in-2", "out", "out-2"].choose(&mut self.rng).unwrap())
    }

    fn drive(&mut self) {
        let lane = self.any_lane();
        let sensor = *[Sensor::Arrival, Sensor::Safety, Sensor::OpenLimit, Sensor::ClosedLimit]
            .choose(&mut self.rng)
            .unwrap();
        if self.rng.random_ratio(1, 3) {
            // A whole passage, so that stays do end.
            for (sensor, on) in [
                (Sensor::ClosedLimit, false),
                (Sensor::OpenLimit, true),
                (Sensor::Safety, true),
                (Sensor::Arrival, false),
                (Sensor::Safety, false),
                (Sensor::OpenLimit, false),
                (Sensor::ClosedLimit, true),
            ] {
                self.tell(Input::Sensor { lane: lane.clone(), sensor, on });
            }
            return;
        }
        let on = self.rng.random();
        self.tell(Input::Sensor { lane, sensor, on })
    }

    /// Tickets are sold and scanned; the turnstile counts, forgets and falls silent.
    fn people(&mut self) {
        let gate = || lane("gate");
        let code = Code::parse(&format!("T{}", self.rng.random_range(0..=self.sold))).unwrap();
        let order = self.state.gates.get(&gate()).and_then(|gate| gate.order.clone());
        match self.rng.random_range(0..10) {
            0..2 => {
                // Whoever sells looks for the code in the tables first.
                self.sold += 1;
                let code = Code::parse(&format!("T{}", self.sold)).unwrap();
                let (valid_from, valid_until) = (self.now, self.now + Duration::from_hours(9));
                let (persons, by) = (self.rng.random_range(1..4), "li".to_owned());
                let digest = code.digest();
                self.tell(Input::TicketMade {
                    digest,
                    persons,
                    valid_from: Some(valid_from),
                    valid_until,
                    by,
                });
            }
            2..5 => self.tell(Input::Scanned { lane: gate(), shown: Presented::from(&code) }),
            5..7 => {
                self.counter = if self.rng.random_ratio(1, 10) { 0 } else { self.counter + 1 };
                let count = Counted::Total(self.counter);
                self.tell(Input::Went { lane: gate(), way: Way::In, count });
            }
            7 if self.rng.random_ratio(1, 3) => self.tell(Input::TurnstileLost { lane: gate() }),
            8 => {
                let settled = self.state.admissions.keys().next().copied();
                let used = self.rng.random();
                if let Some(admission) = settled {
                    let (who, reason) = ("li".to_owned(), "seen".to_owned());
                    self.tell(Input::AdmissionSettled { admission, used, who, reason });
                }
                let ticket = self.state.tickets.keys().next().copied();
                if let Some(ticket) = ticket.filter(|_| self.rng.random_ratio(1, 4)) {
                    self.tell(Input::TicketRevoked { ticket, by: "li".into() });
                }
            }
            _ => {
                let Some(command) = order.map(|order| order.id) else { return };
                let outcome = match self.rng.random_range(0..4) {
                    0 => PassOutcome::Silent("no answer".into()),
                    _ => PassOutcome::Done(Some(self.counter)),
                };
                self.tell(Input::PassAnswered { lane: gate(), command, outcome });
            }
        }
    }

    fn read(&mut self) {
        let lane = self.any_lane();
        self.reads += 1;
        let raw = match self.rng.random_range(0..20) {
            0 => "_无_".to_owned(),
            // What a broken camera can send must come back from the file as it went in.
            1 => "\"\\ \u{0} \u{1f}\u{7f}\n/</é😀\u{2028}".to_owned(),
            _ => format!("京A{:05}", self.rng.random_range(0..12)),
        };
        let read = Read {
            device: DeviceId::parse("cam-1").unwrap(),
            event: format!("e{}", self.reads - self.rng.random_range(0..2)),
            plate: Plate::parse(&raw).ok(),
            raw,
            confidence: Some(self.rng.random_range(0..=100)),
            live: self.rng.random_ratio(9, 10),
            taken_at: Some(self.now),
            picture: self.rng.random_ratio(1, 2).then(|| format!("{}.jpg", self.reads)),
            vehicle: crate::types::Vehicle::default(),
        };
        self.tell(Input::Sensor { lane: lane.clone(), sensor: Sensor::Arrival, on: true });
        self.tell(Input::Read { lane, read });
    }

    fn pay(&mut self) {
        let orders: Vec<_> = self.state.orders.keys().copied().collect();
        if let Some(&order) = orders.choose(&mut self.rng) {
            self.tell(Input::PayAsked { order });
        }
    }

    async fn bank(&mut self, reader: &Reader) {
        if self.rng.random_ratio(1, 4)
            && let Some((refund, amount)) = self.refunds.choose(&mut self.rng).copied()
        {
            let word = match self.rng.random_range(0..4) {
                0 => Word::Unknown { why: "silence".into() },
                1 => Word::Refused { code: "9".into(), why: "no".into() },
                _ => Word::RefundDone { amount },
            };
            return self.tell(Input::RefundSaid { refund, word });
        }
        let Some((out_trade_no, amount)) = self.trades.choose(&mut self.rng).cloned() else {
            return self.tell(Input::BankSaid {
                out_trade_no: "nobodys".into(),
                to: Asked::Notified,
                word: Word::Paid {
                    amount: Money::new(1, Currency::Cny),
                    bank_no: "B".into(),
                    paid_at: None,
                    payer: None,
                },
            });
        };
        let word = match self.rng.random_range(0..12) {
            0 => Word::Unknown { why: "silence".into() },
            1 => Word::Failed { why: "no money".into() },
            2..4 => Word::Reversed,
            4 => Word::Paying,
            5 => Word::Cashier { link: "https://bank.example/pay?a=1&b=\"2\"".into() },
            6 => Word::Paid {
                amount: Money::new(amount.minor + 1, amount.currency),
                bank_no: "B".into(),
                paid_at: None,
                payer: None,
            },
            _ => Word::Paid { amount, bank_no: "B".into(), paid_at: Some(self.now), payer: None },
        };
        // What is recalled must be what is on disk by then.
        if self.state.payment_of(&out_trade_no).is_none()
            && self.pending.is_empty()
            && let Some((payment, order)) = reader.recall(&out_trade_no).await.unwrap()
        {
            self.tell(Input::Recalled { payment, order });
        }
        self.tell(Input::BankSaid { out_trade_no, to: Asked::Query, word });
    }

    fn operator(&mut self) {
        let lane = self.any_lane();
        let waits = self.state.lanes.get(&lane).is_some_and(|lane| lane.phase == Phase::Deciding);
        if waits && self.rng.random_bool(0.5) {
            let plate = Plate::parse(&format!("京A{:05}", self.rng.random_range(0..12))).unwrap();
            return self.tell(Input::PlateGiven { lane, plate, by: "driver".into() });
        }
        if self.rng.random_bool(0.3)
            && let Some(order) = self.state.lanes.get(&lane).and_then(|lane| lane.order.clone())
        {
            return self.tell(Input::ArmAnswered {
                lane,
                command: order.id,
                outcome: ArmOutcome::Done,
            });
        }
        let acts = [
            OperatorAct::Open,
            OperatorAct::Open,
            OperatorAct::Hold,
            OperatorAct::Release,
            OperatorAct::Lock,
            OperatorAct::Unlock,
        ];
        let act = *acts.choose(&mut self.rng).unwrap();
        self.tell(Input::Operator { lane, act, who: "li".into(), reason: "测试 'x'".into() })
    }

    fn trouble(&mut self) {
        let (subject, kind) = ("cam-1".to_owned(), AlarmKind::DeviceSilent);
        if self.rng.random() {
            self.tell(Input::Trouble { subject, kind, detail: "since 08:00".into() })
        } else {
            self.tell(Input::Well { subject, kind })
        }
    }
}
