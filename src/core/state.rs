//! Everything the core remembers, and the one way it changes. Knows no rules: a replayed journal gives the same state.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::{
    card::Card,
    change::{Alarm, AlarmKind, Change},
    cloud::CloudPass,
    crowd::Crowd,
    gate::Gate,
    invoice::Invoice,
    lane::Lane,
    limit::Spent,
    money::{Order, OrderState, Payment, Refund, RefundState},
    pass::{Listed, Pass, Reservation},
    rights::Rights,
    rules::TicketRules,
    selling::Closure,
    settle::{Settled, SettledDay},
    sister::{Sister, SisterAsk},
    slot::Slot,
    stay::Stay,
    task::Task,
    ticket::{Admission, AdmissionState, Ticket},
    till::{Arrears, Merchant, Shift, Validation},
    zone::Zone,
};
use crate::types::{
    AdmissionId, ArrearsId, AskId, CashId, ClosureId, CloudPassId, CodeDigest, CounterId,
    InvoiceId, LaneId, ListedId, MerchantId, OrderId, PassId, PaymentId, Plate, RefundId,
    ReservationId, ShiftId, SlotId, StayId, TaskId, TicketId, ValidationId, ZoneId,
};

/// What is alive: open stays, what is owed or undecided, lanes and alarms. What is over lives in the tables only.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub lanes: BTreeMap<LaneId, Lane>,
    pub gates: BTreeMap<LaneId, Gate>,
    /// Open stays.
    pub stays: BTreeMap<StayId, Stay>,
    /// Orders whose stay is open or whose payments are still watched, and sales that are remembered.
    pub orders: BTreeMap<OrderId, Order>,
    /// Payments that are still watched.
    pub payments: BTreeMap<PaymentId, Payment>,
    /// Refunds that nobody has decided: neither the bank, nor the second person they wait for.
    pub refunds: BTreeMap<RefundId, Refund>,
    /// Tickets that can still let somebody in, or have somebody on the way.
    pub tickets: BTreeMap<TicketId, Ticket>,
    /// Admissions nobody has gone on yet, or of which nobody knows.
    pub admissions: BTreeMap<AdmissionId, Admission>,
    pub alarms: BTreeMap<(String, AlarmKind), Alarm>,
    // The register: what is not over.
    pub passes: BTreeMap<PassId, Pass>,
    pub listed: BTreeMap<ListedId, Listed>,
    pub reservations: BTreeMap<ReservationId, Reservation>,
    pub merchants: BTreeMap<MerchantId, Merchant>,
    pub validations: BTreeMap<ValidationId, Validation>,
    pub arrears: BTreeMap<ArrearsId, Arrears>,
    pub shifts: BTreeMap<ShiftId, Shift>,
    pub tasks: BTreeMap<TaskId, Task>,
    pub zones: BTreeMap<ZoneId, Zone>,
    /// What counts against the limits of a day.
    pub spent: BTreeMap<String, Spent>,
    /// Persons inside the zones for people, as of the last passage.
    pub crowds: BTreeMap<ZoneId, Crowd>,
    /// Every settlement day of every channel: a few hundred a year.
    pub settled: BTreeMap<SettledDay, Settled>,
    pub invoices: BTreeMap<InvoiceId, Invoice>,
    /// Time slots that anybody had to do with, until long after they ended.
    pub slots: BTreeMap<SlotId, Slot>,
    /// Cards that stand for tickets, and those that are lost.
    pub cards: BTreeMap<CodeDigest, Card>,
    /// The other daemons of the site.
    pub sisters: BTreeMap<u8, Sister>,
    /// Tickets of clouds that are being asked about, or that their clouds have to know of.
    pub clouds: BTreeMap<CloudPassId, CloudPass>,
    /// Persons on their tickets that they do not know everything of yet.
    pub asks: BTreeMap<AskId, SisterAsk>,
    /// Closures that still give back.
    pub closures: BTreeMap<ClosureId, Closure>,
    pub counters: Counters,
    /// The highest number of a ticket by each issuer.
    pub(crate) issued: BTreeMap<u8, i64>,
    /// What went back of cash, in minor units.
    pub(super) cash_back: BTreeMap<CashId, i64>,
    /// What goes or went back of payments, each refund with its amount.
    given_back: BTreeMap<(PaymentId, RefundId), GivenBack>,
    /// Sales in memory by the counter's own number.
    sales: HashMap<(CounterId, String), OrderId>,
    pub(super) owing: HashMap<Plate, BTreeSet<ArrearsId>>,
    pub(super) given: HashMap<StayId, BTreeSet<ValidationId>>,
    plates: HashMap<Plate, StayId>,
    trades: HashMap<String, PaymentId>,
    codes: HashMap<CodeDigest, TicketId>,
    /// Tickets in memory by their visitor.
    people: HashMap<CodeDigest, BTreeSet<TicketId>>,
    /// Orders of tickets in memory by the code they are collected with.
    pickups: HashMap<CodeDigest, OrderId>,
    /// Open stays by the innermost zone they are in; none is zero.
    pub(super) inside: BTreeMap<ZoneId, u32>,
    /// The call for help that is open at a lane.
    pub(super) calls: BTreeMap<LaneId, TaskId>,
    pub(super) rights: Rights,
    deadlines: BTreeSet<(Timestamp, Owner)>,
}

/// How much waits for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    pub tasks: usize,
    /// Calls for help among them that nobody has taken on.
    pub calls: usize,
    /// About lanes, devices and the machine.
    pub alarms: usize,
    /// Alarms about money.
    pub money: usize,
    /// Nobody knows whether somebody went through.
    pub admissions: usize,
    /// Refunds that wait for a second person.
    pub refunds: usize,
}

/// The highest number handed out of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub stay: i64,
    pub order: i64,
    pub payment: i64,
    pub refund: i64,
    pub command: i64,
    pub txn: i64,
    pub admission: i64,
    pub pass: i64,
    pub listed: i64,
    pub reservation: i64,
    pub merchant: i64,
    pub validation: i64,
    pub arrears: i64,
    pub shift: i64,
    pub cash: i64,
    pub task: i64,
    pub invoice: i64,
    pub closure: i64,
    pub ask: i64,
    pub cloud: i64,
}

/// One refund, as far as it limits the next of the same payment.
#[derive(Clone, Debug, PartialEq)]
struct GivenBack {
    /// 0: it came to nothing.
    minor: i64,
    /// The asker's number.
    key: Option<String>,
}

/// Whose deadline it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    Lane(LaneId),
    /// The times of day turn a tidal lane.
    Turn(LaneId),
    /// The vehicle that waits in a lane.
    Wait(LaneId),
    Gate(LaneId),
    Ticket(TicketId),
    Payment(PaymentId),
    Refund(RefundId),
    /// A sale that nobody pays any more.
    Sale(OrderId),
    /// A day that is over.
    Spent(String),
    Invoice(InvoiceId),
    /// A time slot that nobody returns tickets of any more.
    Slot(SlotId),
    /// A closure that goes on giving back.
    Closure(ClosureId),
    /// A question to the home of a ticket.
    Ask(AskId),
    Cloud(CloudPassId),
    /// A sister daemon that is silent.
    Sister(u8),
    Task(TaskId),
    /// A place kept for a vehicle that has not come.
    Reservation(ReservationId),
}

impl State {
    /// When silence becomes an input.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The owners of deadlines that have come, at most `limit`.
    pub fn overdue(&self, now: Timestamp, limit: usize) -> Vec<Owner> {
        self.deadlines
            .iter()
            .take_while(|(at, _)| *at <= now)
            .take(limit)
            .map(|(_, owner)| owner.clone())
            .collect()
    }

    /// The open stay of a plate.
    pub fn stay_of(&self, plate: &Plate) -> Option<&Stay> {
        self.plates.get(plate).and_then(|id| self.stays.get(id))
    }

    /// Open stays that are in this very zone and in none within it.
    pub fn stays_at(&self, zone: &ZoneId) -> i64 {
        self.inside.get(zone).copied().map_or(0, i64::from)
    }

    /// The call for help that is open at a lane.
    pub fn call_of(&self, lane: &LaneId) -> Option<&Task> {
        self.calls.get(lane).and_then(|task| self.tasks.get(task))
    }

    /// What waits for a person. Looks at what is undecided only, which is little.
    pub fn waiting(&self) -> Waiting {
        let calls = self.calls.values().filter_map(|task| self.tasks.get(task));
        let alarms = self.alarms.values().filter(|alarm| !alarm.kind.is_told_elsewhere());
        let money = alarms.clone().filter(|alarm| alarm.kind.is_about_money()).count();
        let unsure = |one: &&Admission| one.state == AdmissionState::Unsure;
        let second = |refund: &&Refund| refund.state == RefundState::Waiting;
        Waiting {
            tasks: self.tasks.len(),
            calls: calls.filter(|task| task.taken.is_none()).count(),
            alarms: alarms.count() - money,
            money,
            admissions: self.admissions.values().filter(unsure).count(),
            refunds: self.refunds.values().filter(second).count(),
        }
    }

    /// The passes a plate is in, also those that have run out.
    pub fn passes_of(&self, plate: &Plate) -> impl Iterator<Item = &Pass> {
        self.rights.passes_of(plate).filter_map(|id| self.passes.get(&id))
    }

    pub fn listed_of(&self, plate: &Plate) -> impl Iterator<Item = &Listed> {
        self.rights.listed_of(plate).filter_map(|id| self.listed.get(&id))
    }

    pub fn reservations_of(&self, plate: &Plate) -> impl Iterator<Item = &Reservation> {
        self.rights.reservations_of(plate).filter_map(|id| self.reservations.get(&id))
    }

    /// The open stay of a vehicle without a plate whose driver has this phone.
    pub fn stay_of_phone(&self, phone: &CodeDigest) -> Option<&Stay> {
        self.rights.stay_of_phone(phone).and_then(|id| self.stays.get(&id))
    }

    /// The watched payment with this number.
    pub fn payment_of(&self, out_trade_no: &str) -> Option<&Payment> {
        self.trades.get(out_trade_no).and_then(|id| self.payments.get(id))
    }

    /// What goes back of a payment, or went, in minor units.
    pub fn given_back(&self, payment: PaymentId) -> i64 {
        self.refunds_of(payment).map(|(_, back)| back.minor).sum()
    }

    /// The refund of a payment that was asked for under this number, also one that is over.
    pub fn refund_by(&self, payment: PaymentId, key: &str) -> Option<RefundId> {
        let mut refunds = self.refunds_of(payment);
        refunds.find(|(_, back)| back.key.as_deref() == Some(key)).map(|((_, id), _)| *id)
    }

    fn refunds_of(
        &self,
        payment: PaymentId,
    ) -> impl Iterator<Item = (&(PaymentId, RefundId), &GivenBack)> {
        self.given_back.range((payment, RefundId(0))..=(payment, RefundId(i64::MAX)))
    }

    /// The order of what a counter sold, while it is remembered.
    pub fn sale_of(&self, counter: &CounterId, key: &str) -> Option<&Order> {
        let id = self.sales.get(&(counter.clone(), key.to_owned()))?;
        self.orders.get(id)
    }

    /// The order of tickets in memory that is collected with this code.
    pub fn order_of_pickup(&self, digest: &CodeDigest) -> Option<&Order> {
        self.pickups.get(digest).and_then(|id| self.orders.get(id))
    }

    /// What went back of cash, in minor units.
    pub fn cash_back(&self, cash: CashId) -> i64 {
        self.cash_back.get(&cash).copied().unwrap_or(0)
    }

    /// The ticket in memory with this code.
    pub fn ticket_of(&self, digest: &CodeDigest) -> Option<&Ticket> {
        self.codes.get(digest).and_then(|id| self.tickets.get(id))
    }

    /// Tickets in memory that are for this visitor.
    pub fn tickets_of_person(&self, digest: &CodeDigest) -> impl Iterator<Item = &Ticket> {
        let ids = self.people.get(digest).into_iter().flatten();
        ids.filter_map(|id| self.tickets.get(id))
    }

    /// What a plate has not paid for earlier stays, oldest first.
    pub fn arrears_of(&self, plate: &Plate) -> impl Iterator<Item = &Arrears> {
        let ids = self.owing.get(plate).into_iter().flatten();
        ids.filter_map(|id| self.arrears.get(id))
    }

    /// What merchants gave to a stay, in the order of giving.
    pub fn validations_of(&self, stay: StayId) -> impl Iterator<Item = &Validation> {
        let ids = self.given.get(&stay).into_iter().flatten();
        ids.filter_map(|id| self.validations.get(id))
    }

    /// The open shift of an operator.
    pub fn shift_of(&self, operator: &str) -> Option<&Shift> {
        self.shifts.values().find(|shift| shift.operator == operator)
    }

    /// Makes a change true.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Lane(lane) => self.put_lane(lane),
            Change::Stay(stay) => self.put_stay(stay),
            Change::Order(order) => self.put_order(order),
            Change::Payment(payment) => self.put_payment(payment),
            Change::PaymentFiled { payment } => self.file(*payment),
            Change::Refund(refund) => self.put_refund(refund),
            Change::Posting(posting) => self.counters.txn = self.counters.txn.max(posting.txn),
            Change::AlarmRaised(alarm) => {
                self.alarms.insert((alarm.subject.clone(), alarm.kind), alarm.clone());
            }
            Change::AlarmCleared { subject, alarm } => {
                self.alarms.remove(&(subject.clone(), *alarm));
            }
            Change::Gate(gate) => self.put_gate(gate),
            Change::Ticket(ticket) => self.put_ticket(ticket),
            Change::Admission(admission) => {
                self.counters.admission = self.counters.admission.max(admission.id.0);
                if admission.state.is_open() {
                    self.admissions.insert(admission.id, admission.clone());
                } else {
                    self.admissions.remove(&admission.id);
                }
            }
            // On record only.
            Change::ReadTaken { .. }
            | Change::OperatorActed { .. }
            | Change::PlateGiven { .. }
            | Change::WordUnplaced { .. }
            | Change::ScanRefused { .. }
            | Change::Walked { .. }
            | Change::TicketActed(_)
            | Change::PassActed(_)
            | Change::OfficeActed(_)
            | Change::RulesRead { .. }
            | Change::TillActed { .. } => {}
            registered => {
                self.put_registered(registered);
            }
        }
    }

    fn put_lane(&mut self, lane: &Lane) {
        if let Some(order) = &lane.order {
            self.counters.command = self.counters.command.max(order.id.0);
        }
        let owner = Owner::Lane(lane.id.clone());
        let former = self.lanes.insert(lane.id.clone(), lane.clone());
        let due = |lane: &Lane| lane.due.map(|due| due.at);
        self.move_deadline(owner, former.as_ref().and_then(due), due(lane));
        let turns = former.as_ref().and_then(|lane| lane.turn_at);
        self.move_deadline(Owner::Turn(lane.id.clone()), turns, lane.turn_at);
        let owner = Owner::Wait(lane.id.clone());
        let due = |lane: &Lane| lane.wait.as_ref().and_then(|wait| wait.due);
        self.move_deadline(owner, former.as_ref().and_then(due), due(lane));
    }

    fn put_gate(&mut self, gate: &Gate) {
        if let Some(order) = &gate.order {
            self.counters.command = self.counters.command.max(order.id.0);
        }
        let owner = Owner::Gate(gate.id.clone());
        let former = self.gates.insert(gate.id.clone(), gate.clone());
        let due = |gate: &Gate| gate.due.map(|due| due.at);
        self.move_deadline(owner, former.as_ref().and_then(due), due(gate));
    }

    fn put_ticket(&mut self, ticket: &Ticket) {
        let last = self.issued.entry(TicketRules::issuer_of(ticket.id)).or_default();
        *last = (*last).max(ticket.id.0);
        let ends = |ticket: &Ticket| (!ticket.expired).then_some(ticket.valid_until);
        let owner = Owner::Ticket(ticket.id);
        self.move_person(ticket);
        if ticket.is_alive() {
            let former = self.tickets.insert(ticket.id, ticket.clone());
            // A newer code took the place of its former.
            if let Some(former) = former.as_ref().filter(|f| f.digest != ticket.digest) {
                self.drop_code(former);
            }
            self.codes.entry(ticket.digest).or_insert(ticket.id);
            self.move_deadline(owner, former.as_ref().and_then(ends), ends(ticket));
        } else if let Some(former) = self.tickets.remove(&ticket.id) {
            self.drop_code(&former);
            self.move_deadline(owner, ends(&former), None);
        }
    }

    /// Who a ticket in memory is for may change with it.
    fn move_person(&mut self, ticket: &Ticket) {
        let person = |ticket: &Ticket| ticket.visitor.as_ref().map(|visitor| visitor.digest);
        let before = self.tickets.get(&ticket.id).and_then(person);
        let after = person(ticket).filter(|_| ticket.is_alive());
        if before == after {
            return;
        }
        if let Some(digest) = before
            && let Some(ids) = self.people.get_mut(&digest)
        {
            ids.remove(&ticket.id);
            if ids.is_empty() {
                self.people.remove(&digest);
            }
        }
        if let Some(digest) = after {
            self.people.entry(digest).or_default().insert(ticket.id);
        }
    }

    /// Two daemons may have registered the same code: it stays with whom it was known of first.
    fn drop_code(&mut self, former: &Ticket) {
        if self.codes.get(&former.digest) == Some(&former.id) {
            self.codes.remove(&former.digest);
        }
    }

    fn put_stay(&mut self, stay: &Stay) {
        self.counters.stay = self.counters.stay.max(stay.id.0);
        self.rights.put_stay(stay);
        if stay.state.is_open() {
            self.plates.insert(stay.plate.clone(), stay.id);
            let former = self.stays.insert(stay.id, stay.clone());
            self.move_inside(former.as_ref().map(Stay::zone_now), Some(stay.zone_now()));
            return;
        }
        let former = self.stays.remove(&stay.id);
        self.move_inside(former.as_ref().map(Stay::zone_now), None);
        if self.plates.get(&stay.plate) == Some(&stay.id) {
            self.plates.remove(&stay.plate);
        }
        let orders: Vec<OrderId> = self
            .orders
            .values()
            .filter(|order| order.stay == Some(stay.id))
            .map(|o| o.id)
            .collect();
        orders.into_iter().for_each(|order| self.sweep(order));
    }

    fn move_inside(&mut self, from: Option<&ZoneId>, to: Option<&ZoneId>) {
        if from == to {
            return;
        }
        if let Some(count) = from.and_then(|from| self.inside.get_mut(from)) {
            *count -= 1;
            if *count == 0 {
                from.map(|from| self.inside.remove(from));
            }
        }
        if let Some(to) = to {
            match self.inside.get_mut(to) {
                Some(count) => *count += 1,
                None => drop(self.inside.insert(to.clone(), 1)),
            }
        }
    }

    fn put_order(&mut self, order: &Order) {
        self.counters.order = self.counters.order.max(order.id.0);
        let open = |order: &Order| order.sale.as_ref().and_then(|sale| sale.open_until);
        let former = self.orders.insert(order.id, order.clone());
        if let Some(sale) = &order.sale {
            self.sales.insert((sale.counter.clone(), sale.key.clone()), order.id);
            let was = former.as_ref().and_then(open);
            self.move_deadline(Owner::Sale(order.id), was, sale.open_until);
        }
        if let Some(basket) = &order.basket {
            self.pickups.insert(basket.pickup, order.id);
        }
        // One that was never asked for is unpaid from the start; its arrears come next.
        if former.is_some() || order.state != OrderState::Unpaid {
            self.sweep(order.id);
        }
    }

    fn put_payment(&mut self, payment: &Payment) {
        self.counters.payment = self.counters.payment.max(payment.id.0);
        self.trades.insert(payment.out_trade_no.clone(), payment.id);
        let former = self.payments.insert(payment.id, payment.clone());
        let owner = Owner::Payment(payment.id);
        self.move_deadline(owner, former.and_then(|p| p.next_ask), payment.next_ask);
    }

    fn file(&mut self, id: PaymentId) {
        if let Some(payment) = self.payments.remove(&id) {
            self.trades.remove(&payment.out_trade_no);
            self.move_deadline(Owner::Payment(id), payment.next_ask, None);
            self.sweep(payment.order);
        }
    }

    fn put_refund(&mut self, refund: &Refund) {
        self.counters.refund = self.counters.refund.max(refund.id.0);
        let minor = if refund.state.came_to_nothing() { 0 } else { refund.amount.minor };
        let back = GivenBack { minor, key: refund.key.clone() };
        self.given_back.insert((refund.payment, refund.id), back);
        let owner = Owner::Refund(refund.id);
        if refund.state.is_open() {
            let former = self.refunds.insert(refund.id, refund.clone());
            self.move_deadline(owner, former.and_then(|r| r.next_ask), refund.next_ask);
        } else {
            let former = self.refunds.remove(&refund.id);
            self.move_deadline(owner, former.and_then(|r| r.next_ask), None);
        }
    }

    /// An order leaves memory once its stay has, or its sale is forgotten, no payment of it is watched, and it is no
    /// arrears.
    pub(super) fn sweep(&mut self, id: OrderId) {
        let Some(order) = self.orders.get(&id) else { return };
        let watched = self.payments.values().any(|payment| payment.order == id);
        let unpaid = order.state == OrderState::Unpaid
            && self.arrears.values().any(|arrears| arrears.order == id);
        let goes_on = match order.stay {
            Some(stay) => self.stays.contains_key(&stay),
            None => order.sale.as_ref().is_some_and(|sale| sale.open_until.is_some()),
        };
        if watched || unpaid || goes_on {
            return;
        }
        let Some(order) = self.orders.remove(&id) else { return };
        if let Some(basket) = &order.basket
            && self.pickups.get(&basket.pickup) == Some(&id)
        {
            self.pickups.remove(&basket.pickup);
        }
        if let Some(sale) = order.sale {
            self.sales.remove(&(sale.counter, sale.key));
        }
    }

    pub(super) fn move_deadline(
        &mut self,
        owner: Owner,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) {
        if from == to {
            return;
        }
        if let Some(at) = from {
            self.deadlines.remove(&(at, owner.clone()));
        }
        if let Some(at) = to {
            self.deadlines.insert((at, owner));
        }
    }
}
