//! A whole site for the tests of pages: the real core on a real state, its journal kept in memory, served over a real
//! socket. The bank is played by the test.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt, ready};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::{
    app::codes::Codes,
    bank::Channel,
    core::{
        self, Change, Effect, Input, Rules, State, Waiting,
        input::Asked,
        lane::Sensor,
        money::{Order, Payment, PaymentState, Posting, Refund, RefundState},
        rules::{Direction, GateRules, GateTimes, LaneRules, Wired, Zones},
        stay::{Read, Stay},
        tariff::Tariff,
        task::Task,
        ticket::{Admission, Ticket},
        till::Cash,
    },
    http::{
        Parts, Settings, TicketOffice, hash_password,
        ports::{
            Busy, Desk, Found, Look, Operator, Parking, ParkingHour, Picture, Pictures,
            ProgramRecords, Records, Row, Session, StayFile, Takings,
        },
        serve,
    },
    types::{
        CodeDigest, Currency, DeviceId, LaneId, Money, OrderId, Plate, Role, StayId, TicketId,
        bank::Ask, bank::Word,
    },
};

pub(super) const PASSWORD: &str = "a long enough one";
pub(super) const NOTIFY_PATH: &str = "/pay//icbc/notify";

pub(super) fn lane(id: &str) -> LaneId {
    LaneId::parse(id).unwrap()
}

#[derive(Default)]
pub(super) struct World {
    pub(super) state: State,
    pub(super) now: Timestamp,
    effects: Vec<Effect>,
    pub(super) journal: Vec<Row>,
    pub(super) operators: HashMap<String, Operator>,
    pub(super) staff: super::users::Roster,
    pub(super) sessions: HashMap<[u8; 32], Session>,
    pub(super) notified: Vec<(String, Bytes)>,
    reads: u32,
    busy: bool,
    pub(super) merchants: super::till::Merchants,
    pub(super) counters: super::payments::Counters,
    /// Visitors' names, as the tables would keep them.
    pub(super) sealed: std::collections::BTreeMap<crate::types::CodeDigest, Vec<u8>>,
}

pub(super) struct Site {
    world: Mutex<World>,
    rules: Arc<Rules>,
    pub(super) codes: Option<Codes>,
    /// The bank that binds plates, where a test has one.
    pub(super) channel: OnceLock<Arc<dyn Channel>>,
    pub(super) printers: Arc<super::receipts::Printers>,
    version: watch::Sender<u64>,
    /// Real tables of programs; the test that sets them keeps their folder.
    pub(super) programs: std::sync::OnceLock<Arc<dyn ProgramRecords>>,
}

impl Site {
    /// Two lanes at rest, one operator, nobody inside. 08:00 by the site's clock.
    pub(super) fn new() -> Arc<Self> {
        Self::with(|_| None)
    }

    /// The same, with more rules.
    pub(super) fn with(more: impl FnOnce(&mut Rules) -> Option<Codes>) -> Arc<Self> {
        let wired = Wired {
            arrival: true,
            safety: true,
            open_limit: true,
            closed_limit: true,
            ..Wired::default()
        };
        let lane_rules = |direction| LaneRules::new(direction, wired);
        let lanes = BTreeMap::from([
            (lane("in"), lane_rules(Direction::Entry)),
            (lane("out"), lane_rules(Direction::Exit)),
        ]);
        let tariff = Tariff::hourly(15, 500, 4_000);
        let zone = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
        let mut rules = Rules {
            lanes,
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
            till: super::till::rules(),
            invoices: true,
            ..Rules::new("东门停车场", zone, Currency::Cny, tariff)
        };
        let world = World { now: "2026-11-23T00:00:00Z".parse().unwrap(), ..World::default() };
        let codes = more(&mut rules);
        let site = Self {
            world: Mutex::new(world),
            rules: rules.into(),
            codes,
            channel: OnceLock::new(),
            printers: Arc::default(),
            version: watch::channel(0).0,
            programs: std::sync::OnceLock::new(),
        };
        site.add_operator("li", false);
        site.decide(Input::Started).unwrap();
        for id in ["in", "out"] {
            for (sensor, on) in [
                (Sensor::Arrival, false),
                (Sensor::Safety, false),
                (Sensor::OpenLimit, false),
                (Sensor::ClosedLimit, true),
            ] {
                site.sensor(id, sensor, on);
            }
        }
        Arc::new(site)
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(super) fn add_operator(&self, name: &str, must_change: bool) {
        self.add_person(name, Role::Owner, must_change);
    }

    pub(super) fn add_person(&self, name: &str, role: Role, must_change: bool) {
        // Hashing takes its time: all have the same password.
        static HASH: LazyLock<String> = LazyLock::new(|| hash_password(PASSWORD).unwrap());
        let operator =
            Operator { name: name.into(), password_hash: HASH.clone(), role, must_change };
        self.world().operators.insert(name.into(), operator);
    }

    pub(super) fn decide(&self, input: Input) -> core::Reply {
        let mut world = self.world();
        let now = world.now;
        let decision = core::decide(&world.state, &self.rules, now, input);
        for change in decision.changes {
            world.state.apply(&change);
            let seq = world.journal.len() as i64 + 1;
            world.journal.push(Row { seq, at: now, change });
        }
        world.effects.extend(decision.effects);
        drop(world);
        self.version.send_modify(|version| *version += 1);
        decision.reply
    }

    pub(super) fn sensor(&self, id: &str, sensor: Sensor, on: bool) {
        self.decide(Input::Sensor { lane: lane(id), sensor, on }).unwrap();
    }

    pub(super) fn read(&self, id: &str, plate: &str) {
        let event = {
            let mut world = self.world();
            world.reads += 1;
            world.reads.to_string()
        };
        let read = Read {
            device: DeviceId::parse("cam").unwrap(),
            event,
            raw: plate.into(),
            plate: Plate::parse(plate).ok(),
            confidence: Some(98),
            live: true,
            taken_at: None,
            picture: Some("car.svg".into()),
            vehicle: crate::types::Vehicle::default(),
        };
        self.decide(Input::Read { lane: lane(id), read }).unwrap();
    }

    pub(super) fn after(&self, time: Duration) {
        self.world().now += time;
        self.decide(Input::Tick).unwrap();
    }

    pub(super) fn drive_through(&self, id: &str) {
        for (sensor, on) in [
            (Sensor::ClosedLimit, false),
            (Sensor::OpenLimit, true),
            (Sensor::Safety, true),
            (Sensor::Arrival, false),
            (Sensor::Safety, false),
            (Sensor::OpenLimit, false),
            (Sensor::ClosedLimit, true),
        ] {
            self.sensor(id, sensor, on);
        }
    }

    pub(super) fn enter(&self, plate: &str) {
        self.sensor("in", Sensor::Arrival, true);
        self.read("in", plate);
        self.drive_through("in");
    }

    /// A vehicle that has been inside for a while stands at the exit and owes money.
    pub(super) fn at_exit(&self, plate: &str, stayed: Duration) -> OrderId {
        self.enter(plate);
        self.after(stayed);
        self.sensor("out", Sensor::Arrival, true);
        self.read("out", plate);
        self.world().state.lanes[&lane("out")].visit.as_ref().unwrap().order.unwrap()
    }

    /// The numbers of all cashier links that were ever asked for.
    pub(super) fn generated(&self) -> Vec<String> {
        let world = self.world();
        let asks = world.effects.iter().filter_map(|effect| match effect {
            Effect::AskBank { ask: Ask::Generate { out_trade_no, .. }, .. } => Some(out_trade_no),
            _ => None,
        });
        asks.cloned().collect()
    }

    pub(super) fn bank(&self, out_trade_no: &str, to: Asked, word: Word) {
        self.decide(Input::BankSaid { out_trade_no: out_trade_no.into(), to, word }).unwrap();
    }

    pub(super) fn phase(&self, id: &str) -> core::lane::Phase {
        self.world().state.lanes[&lane(id)].phase
    }

    pub(super) fn notified(&self) -> Vec<(String, Bytes)> {
        self.world().notified.clone()
    }

    /// The acts of operators on record.
    pub(super) fn acted(&self) -> Vec<(String, String)> {
        let world = self.world();
        let acts = world.journal.iter().filter_map(|row| match &row.change {
            Change::OperatorActed { who, reason, .. } => Some((who.clone(), reason.clone())),
            _ => None,
        });
        acts.collect()
    }

    pub(super) fn overload(&self, busy: bool) {
        self.world().busy = busy;
    }

    pub(super) fn parts(self: &Arc<Self>, public_url: &str) -> (Parts, watch::Sender<bool>) {
        let (stop, stopped) = watch::channel(false);
        let settings = Settings {
            site_secret: vec![7; 32],
            public_url: public_url.into(),
            behind_proxy: false,
        };
        let parts = Parts {
            desk: self.clone(),
            records: self.clone(),
            pictures: self.clone(),
            bank: Some(self.clone()),
            fleet: self.clone(),
            door: self.clone(),
            sisters: None,
            till: self.clone(),
            payments: self.clone(),
            lists: self.clone(),
            programs: self.programs.get().cloned(),
            hooks: None,
            staff: self.clone(),
            settlement: None,
            receipts: Some(self.printers.clone()),
            invoices: Some(self.clone()),
            tickets: self
                .codes
                .clone()
                .map(|codes| TicketOffice { codes: Arc::new(codes), records: self.clone() }),
            rule_files: None,
            metrics: None,
            settings,
            stop: stopped,
        };
        (parts, stop)
    }

    /// Serves the site; it ends with the sender.
    pub(super) async fn serve(self: &Arc<Self>) -> (SocketAddr, watch::Sender<bool>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (parts, stop) = self.parts(&format!("http://{address}"));
        tokio::spawn(serve(listener, parts));
        (address, stop)
    }

    /// The last of each thing in the journal.
    pub(super) fn last<T: Clone, K: Ord>(
        &self,
        pick: impl Fn(&Change) -> Option<(K, &T)>,
    ) -> Vec<T> {
        let world = self.world();
        let picked = world.journal.iter().filter_map(|row| pick(&row.change));
        let latest: BTreeMap<K, &T> = picked.collect();
        latest.into_values().cloned().collect()
    }

    pub(super) fn stays(&self) -> Vec<Stay> {
        self.last(|change| match change {
            Change::Stay(stay) => Some((stay.id, stay)),
            _ => None,
        })
    }

    /// The rows of the journal that are about something, oldest first.
    pub(super) fn rows(&self, about: impl Fn(&Change) -> bool) -> Vec<Row> {
        let world = self.world();
        world.journal.iter().filter(|row| about(&row.change)).cloned().collect()
    }

    pub(super) fn effects<T>(&self, pick: impl Fn(&Effect) -> Option<T>) -> Vec<T> {
        self.world().effects.iter().filter_map(pick).collect()
    }

    pub(super) fn orders(&self) -> Vec<Order> {
        self.last(|change| match change {
            Change::Order(order) => Some((order.id, order)),
            _ => None,
        })
    }

    pub(super) fn payments(&self) -> Vec<Payment> {
        self.last(|change| match change {
            Change::Payment(payment) => Some((payment.id, payment)),
            _ => None,
        })
    }

    pub(super) fn refunds(&self) -> Vec<Refund> {
        self.last(|change| match change {
            Change::Refund(refund) => Some((refund.id, refund)),
            _ => None,
        })
    }

    pub(super) fn tickets(&self) -> Vec<Ticket> {
        self.last(|change| match change {
            Change::Ticket(ticket) => Some((ticket.id, ticket)),
            _ => None,
        })
    }

    pub(super) fn cash(&self) -> Vec<Cash> {
        self.last(|change| match change {
            Change::Cash(cash) => Some((cash.id, cash)),
            _ => None,
        })
    }

    fn postings(&self) -> Vec<Posting> {
        self.last(|change| match change {
            Change::Posting(posting) => Some((posting.txn, posting)),
            _ => None,
        })
    }

    fn paid(&self) -> Vec<(Timestamp, Money)> {
        let paid = self.payments().into_iter().filter_map(|payment| match payment.state {
            PaymentState::Paid { at } => Some((at, payment.amount)),
            _ => None,
        });
        paid.collect()
    }
}

impl Desk for Site {
    fn tell(&self, input: Input) -> BoxFuture<'_, Result<core::Reply, Busy>> {
        let busy = self.world().busy;
        ready(if busy { Err(Busy) } else { Ok(self.decide(input)) }).boxed()
    }

    fn look(&self, look: Look) -> BoxFuture<'_, Result<(), Busy>> {
        look(&self.world().state);
        ready(Ok(())).boxed()
    }

    fn version(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    fn rules(&self) -> Arc<Rules> {
        self.rules.clone()
    }

    fn now(&self) -> Timestamp {
        self.world().now
    }

    fn waiting(&self) -> Waiting {
        self.world().state.waiting()
    }
}

fn found<T: Send + 'static>(value: T) -> Found<'static, T> {
    ready(Ok(value)).boxed()
}

impl Records for Site {
    fn takings(&self, from: Timestamp, to: Timestamp) -> Found<'_, Takings> {
        let paid: Vec<_> =
            self.paid().into_iter().filter(|(at, _)| (from..to).contains(at)).collect();
        let refunds = self.refunds().into_iter().filter(|refund| refund.state == RefundState::Done);
        found(Takings {
            minor: paid.iter().map(|(_, money)| money.minor).sum(),
            count: paid.len() as i64,
            refunded_minor: refunds.map(|refund| refund.amount.minor).sum(),
        })
    }

    fn takings_by_hour(&self, from: Timestamp, hours: usize) -> Found<'_, Vec<i64>> {
        let mut by_hour = vec![0; hours];
        for (at, money) in self.paid() {
            let hour = at.duration_since(from).as_secs().div_euclid(3_600);
            if let Some(sum) = usize::try_from(hour).ok().and_then(|hour| by_hour.get_mut(hour)) {
                *sum += money.minor;
            }
        }
        found(by_hour)
    }

    fn parking(&self, from: Timestamp, to: Timestamp) -> Found<'_, Parking> {
        let mut hours = BTreeMap::new();
        let mut inside_before = 0;
        let hour = |at: Timestamp| at.duration_since(from).as_secs() as usize / 3_600;
        for stay in self.stays() {
            if stay.entered_at < from {
                inside_before += i64::from(stay.left_at.is_none_or(|left| left >= from));
            } else if stay.entered_at < to {
                let of: &mut ParkingHour = hours.entry(hour(stay.entered_at)).or_default();
                of.came += 1;
            }
            if let Some(left) = stay.left_at.filter(|left| (from..to).contains(left)) {
                let of = hours.entry(hour(left)).or_default();
                of.left += 1;
                of.stayed_s += left.duration_since(stay.entered_at).as_secs();
                of.stays_minor += stay.paid_minor;
            }
        }
        let hours = hours.into_iter().map(|(hour, of)| ParkingHour { hour, ..of }).collect();
        found(Parking { inside_before, hours })
    }

    fn open_stays(&self, search: String, limit: u32) -> Found<'_, Vec<Stay>> {
        let mut stays = self.stays();
        stays.retain(|stay| stay.state.is_open() && stay.plate.full().contains(&search));
        stays.reverse();
        stays.truncate(limit as usize);
        found(stays)
    }

    fn stay(&self, id: StayId) -> Found<'_, Option<StayFile>> {
        let Some(stay) = self.stays().into_iter().find(|stay| stay.id == id) else {
            return found(None);
        };
        let orders: Vec<_> = self.orders().into_iter().filter(|o| o.stay == Some(id)).collect();
        let mut payments = self.payments();
        payments.retain(|payment| orders.iter().any(|order| order.id == payment.order));
        let mine = |id| payments.iter().any(|payment: &Payment| payment.id == id);
        let refunds = self.refunds().into_iter().filter(|r| mine(r.payment)).collect();
        let cash: Vec<_> = self.cash().into_iter().filter(|cash| cash.stay == Some(id)).collect();
        let taken = |id| cash.iter().any(|one| one.id == id);
        let of_it = |p: &Posting| p.payment.is_some_and(mine) || p.cash.is_some_and(taken);
        let postings = self.postings().into_iter().filter(of_it).collect();
        let mut validations = self.last(|change| match change {
            Change::Validation(validation) => Some((validation.id, validation)),
            _ => None,
        });
        validations.retain(|validation| validation.stay == id);
        found(Some(StayFile { stay, orders, payments, refunds, postings, cash, validations }))
    }

    fn stays_like(&self, plate: String, limit: u32) -> Found<'_, Vec<(u32, Stay)>> {
        let sought = core::matching::Lookup::new(&plate);
        let near = |stay: Stay| Some((sought.apart(stay.plate.full())?, stay));
        let mut near: Vec<_> = self.stays().into_iter().filter_map(near).collect();
        near.sort_by_key(|(apart, stay)| (*apart, std::cmp::Reverse(stay.id)));
        near.truncate(limit as usize);
        found(near)
    }

    fn payments_numbered(&self, number: String) -> Found<'_, Vec<Payment>> {
        let mut payments = self.payments();
        payments.retain(|p| p.out_trade_no == number || p.bank_no.as_ref() == Some(&number));
        found(payments)
    }

    fn order(&self, id: OrderId) -> Found<'_, Option<(Order, Vec<Payment>)>> {
        let order = self.orders().into_iter().find(|order| order.id == id);
        let payments = self.payments().into_iter().filter(|p| p.order == id).collect();
        found(order.map(|order| (order, payments)))
    }

    fn lane_history(&self, lane: LaneId, limit: u32) -> Found<'_, Vec<Row>> {
        let world = self.world();
        let of_lane = |change: &Change| match change {
            Change::Lane(of) => of.id == lane,
            Change::ReadTaken { lane: of, .. }
            | Change::OperatorActed { lane: of, .. }
            | Change::PlateGiven { lane: of, .. } => *of == lane,
            Change::AlarmRaised(alarm) => alarm.subject == lane.as_str(),
            _ => false,
        };
        let rows = world.journal.iter().rev().filter(|row| of_lane(&row.change));
        found(rows.take(limit as usize).cloned().collect())
    }

    fn net_by_quarter(&self, from: Timestamp, quarters: usize) -> Found<'_, Vec<i64>> {
        let mut net = vec![0; quarters];
        for stay in self.stays() {
            let moves = [(Some(stay.entered_at), 1), (stay.left_at, -1)];
            for (at, by) in moves.into_iter().filter_map(|(at, by)| Some((at?, by))) {
                let quarter = at.duration_since(from).as_secs().div_euclid(900);
                if let Some(n) = usize::try_from(quarter).ok().and_then(|n| net.get_mut(n)) {
                    *n += by;
                }
            }
        }
        found(net)
    }

    fn tasks_over(&self, limit: u32) -> Found<'_, Vec<Task>> {
        let mut tasks = self.last(|change| match change {
            Change::Task(task) => Some((task.id, task)),
            _ => None,
        });
        tasks.retain(|task| task.over_at.is_some());
        tasks.reverse();
        tasks.truncate(limit as usize);
        found(tasks)
    }

    fn admitted_since(&self, from: Timestamp) -> Found<'_, Vec<(LaneId, i64)>> {
        let went = self.last(|change| match change {
            Change::Admission(admission) => Some((admission.id, admission)),
            _ => None,
        });
        let went = went.into_iter().filter(|a| a.at >= from && a.state.name() == "used");
        let mut by_lane = BTreeMap::new();
        went.for_each(|a| *by_lane.entry(a.lane).or_insert(0) += 1);
        found(by_lane.into_iter().collect())
    }

    fn ticket_of(&self, digest: CodeDigest) -> Found<'_, Option<Ticket>> {
        found(self.tickets().into_iter().find(|ticket| ticket.digest == digest))
    }

    fn ticket(&self, id: TicketId) -> Found<'_, Option<Ticket>> {
        found(self.tickets().into_iter().find(|ticket| ticket.id == id))
    }

    fn admissions_since(&self, from: Timestamp, limit: u32) -> Found<'_, Vec<Admission>> {
        let mut admissions = self.last(|change| match change {
            Change::Admission(admission) => Some((admission.id, admission)),
            _ => None,
        });
        admissions.retain(|admission| admission.at >= from);
        admissions.reverse();
        admissions.truncate(limit as usize);
        found(admissions)
    }

    fn operator(&self, name: String) -> Found<'_, Option<Operator>> {
        found(self.signs_in(&name))
    }

    fn put_session(&self, session: Session) -> Found<'_, ()> {
        self.world().sessions.insert(session.digest, session);
        found(())
    }

    fn session(&self, digest: [u8; 32]) -> Found<'_, Option<Session>> {
        found(self.world().sessions.get(&digest).cloned())
    }

    fn drop_session(&self, digest: [u8; 32]) -> Found<'_, ()> {
        self.world().sessions.remove(&digest);
        found(())
    }

    fn drop_sessions_of(&self, operator: String) -> Found<'_, ()> {
        self.world().sessions.retain(|_, session| session.operator != operator);
        found(())
    }
}

impl Pictures for Site {
    fn open(&self, name: String) -> BoxFuture<'_, Option<Picture>> {
        let svg = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 90"><rect width="160" height="90" fill="#456"/><rect x="30" y="30" width="100" height="45" rx="12" fill="#bcd"/></svg>"##;
        let picture = Picture { bytes: Bytes::from_static(svg.as_bytes()), mime: "image/svg+xml" };
        ready((name == "car.svg").then_some(picture)).boxed()
    }
}
