//! Buyers, payers, those who walk away or change their mind, in any order; after each step the laws of the sale hold. Each
//! law is broken once on purpose, and found out.

use super::*;
use crate::core::{
    money::PaymentState,
    ticket::{Again, Ticket},
};

const STEPS: usize = 160;

/// The same numbers for the same seed on every machine (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most.max(1) as u64) as usize
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        (!all.is_empty()).then(|| all[self.below(all.len())].clone())
    }
}

struct World {
    site: Site,
    dice: Dice,
    orders: Vec<OrderId>,
    trades: Vec<(String, i64)>,
    keys: u32,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut site = Site::scenic();
        site.open_shift(0);
        let dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        Self { site, dice, orders: Vec::new(), trades: Vec::new(), keys: 0 }
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("k{}", self.keys)
    }

    fn step(&mut self) {
        match self.dice.below(15) {
            0..=3 => self.ask(),
            4 => self.begin_to_pay(),
            5..=6 => self.bank_pays(),
            7 => self.pay_otherwise(),
            8 => self.give_back(),
            9 => self.change_time(),
            10 => self.come_in(),
            11 => self.print_or_cancel(),
            12 => self.close_a_day(),
            13 => self.withdraw(),
            _ => self.time_passes(),
        }
        assert_eq!(self.wrong(), None);
    }

    fn ask(&mut self) {
        let by = self.dice.of(&["page", "kiosk", "agent", "window"]).unwrap();
        let id = self.dice.of(&["adult", "named", "group", "infant", "annual"]).unwrap();
        let tickets = 1 + self.dice.below(3) as u32;
        let mut wanted = self.at(line(id, NINE, tickets));
        match id {
            "group" => (wanted.tickets, wanted.persons) = (1, 5),
            "annual" => wanted.slot = None,
            "named" => {
                let numbers = (0..tickets).map(|_| visitor(&format!("110{}", self.dice.below(9))));
                wanted.visitors = numbers.collect();
            }
            _ => {}
        }
        let key = self.key();
        if let Ok(Answer::Order(order)) =
            self.site.tell(Input::TicketsAsked(self::wanted(by, &key, &[wanted])))
        {
            self.orders.push(order);
        }
    }

    /// One of four time slots.
    fn at(&mut self, line: LineAsked) -> LineAsked {
        let times = [
            (DAY, NINE),
            (DAY, ELEVEN),
            ("2026-11-28", "day-20261128-0900"),
            ("2026-11-29", "day-20261129-1100"),
        ];
        let (on, at) = self.dice.of(&times).unwrap();
        LineAsked { day: day(on), slot: Some(slot(at)), ..line }
    }

    fn begin_to_pay(&mut self) {
        let Some(order) = self.dice.of(&self.orders.clone()) else { return };
        if let Ok(Answer::Payment(_)) = self.site.tell(Input::PayAsked { order })
            && let Some(trade) = self.site.generated().pop()
        {
            self.trades.push((trade, self.site.latest_order(order).amount.minor));
        }
    }

    /// In time, late, or twice: of whatever was begun.
    fn bank_pays(&mut self) {
        if let Some((trade, minor)) = self.dice.of(&self.trades.clone()) {
            let _ = self.site.bank(&trade, Site::paid(minor));
        }
    }

    fn pay_otherwise(&mut self) {
        let Some(order) = self.dice.of(&self.orders.clone()) else { return };
        let by = counter("agent");
        if self.site.tell(Input::TicketsConfirmed { counter: by, order }).is_err() {
            let _ = self.site.cash(order, 1_000_000);
        }
    }

    fn pick(&mut self) -> Option<Ticket> {
        let all: Vec<Ticket> = self.site.latest_tickets().into_values().collect();
        self.dice.of(&all)
    }

    fn records_of(&self, ticket: &Ticket) -> Vec<Bought> {
        let sold = ticket.sold.as_ref().unwrap();
        let more = sold.more.iter().map(|more| more.order);
        std::iter::once(sold.order).chain(more).map(|id| self.site.on_record(id)).collect()
    }

    fn asker(&mut self) -> Asker {
        let reason = (self.dice.below(2) == 0).then(|| "ill".to_owned());
        let li = Asker::Operator { who: "li".into(), against_rules: reason };
        self.dice.of(&[Asker::Visitor, Asker::Counter(counter("agent")), li]).unwrap()
    }

    fn give_back(&mut self) {
        let Some(ticket) = self.pick() else { return };
        let persons = 1 + self.dice.below(ticket.persons as usize) as u32;
        let back = Back { ticket: ticket.id, persons, of: ticket.persons };
        let (key, bought, by) = (self.key(), self.records_of(&ticket), self.asker());
        let _ = self.site.tell(Input::TicketsReturned(ReturnAsked {
            key,
            tickets: vec![back],
            bought,
            by,
        }));
    }

    /// Without money, also where somebody came in.
    fn withdraw(&mut self) {
        if self.dice.below(3) == 0
            && let Some(ticket) = self.pick()
        {
            let by = "li: torn".to_owned();
            let _ = self.site.tell(Input::TicketRevoked { ticket: ticket.id, by });
        }
    }

    fn change_time(&mut self) {
        let Some(ticket) = self.pick() else { return };
        let to = self.at(line("adult", NINE, 1));
        let asked = MoveAsked {
            counter: counter("page"),
            key: self.key(),
            tickets: vec![ticket.id],
            day: to.day,
            slot: to.slot.filter(|_| ticket.sold.as_ref().is_some_and(|s| s.slot.is_some())),
            bought: self.records_of(&ticket),
            by: self.asker(),
        };
        if let Ok(Answer::Order(order)) = self.site.tell(Input::TicketsMoved(asked)) {
            self.orders.push(order);
        }
    }

    /// As a gate does it: one person of a ticket that is good.
    fn come_in(&mut self) {
        let Some(mut ticket) = self.pick().filter(Ticket::is_alive) else { return };
        let zone = ticket.areas.first().map(|area| area.zone.clone());
        if ticket.left_in(zone.as_ref()) == 0 {
            return;
        }
        ticket.hold(zone.as_ref(), true);
        ticket.went_in(zone.as_ref(), Again::First, false, self.site.now);
        self.site.state.apply(&Change::Ticket(ticket.clone()));
        self.site.journal.push(Change::Ticket(ticket));
    }

    fn print_or_cancel(&mut self) {
        if let Some(ticket) = self.pick() {
            let tickets = vec![ticket.id];
            let _ = self.site.tell(Input::TicketsPrinted {
                tickets,
                who: "li".into(),
                reason: String::new(),
            });
        }
        if let Some(order) = self.dice.of(&self.orders.clone()) {
            let _ = self.site.tell(Input::SaleCancelled { counter: counter("page"), order });
        }
    }

    /// Seldom; the answers of the tables come at once, late, or never.
    fn close_a_day(&mut self) {
        if self.dice.below(8) == 0 {
            let (from, until) = (day("2026-11-29"), day("2026-11-29"));
            let (who, reason) = ("li".into(), "storm".into());
            let _ = self.site.tell(Input::ClosureAsked { from, until, who, reason });
        }
        let asked = self.site.effects.iter().rev().find_map(|effect| match effect {
            Effect::FindBought { closure, after, orders } => {
                Some((*closure, *after, orders.clone()))
            }
            _ => None,
        });
        if let Some((closure, after, orders)) = asked {
            let bought = orders.iter().map(|order| self.site.on_record(*order)).collect();
            let _ = self.site.tell(Input::ClosureFound { closure, after, bought });
        }
    }

    fn time_passes(&mut self) {
        let minutes = 1 + self.dice.below(12) as u32;
        self.site.after(MINUTE * minutes);
    }

    // ---- the laws ------------------------------------------------------------------------------------

    fn wrong(&self) -> Option<String> {
        let places = self.site.wrong_places();
        places.or_else(|| self.wrong_tickets()).or_else(|| self.wrong_money())
    }

    /// Tickets are those of paid orders; what went back stays so; codes only get newer; nobody comes in on a ticket that
    /// went back, and a number has one named ticket of a slot.
    fn wrong_tickets(&self) -> Option<String> {
        let mut known: BTreeMap<TicketId, Ticket> = BTreeMap::new();
        for change in &self.site.journal {
            let Change::Ticket(ticket) = change else { continue };
            if let Some(former) = known.insert(ticket.id, ticket.clone()) {
                let back = former.revoked && (!ticket.revoked || ticket.used > former.used);
                if back || ticket.edition < former.edition || ticket.used > ticket.persons {
                    return Some(format!("{ticket:?} after {former:?}"));
                }
            }
        }
        let mut numbers = std::collections::BTreeSet::new();
        for ticket in known.values() {
            let sold = ticket.sold.as_ref().unwrap();
            let order = self.site.latest_order(sold.order);
            let basket = order.basket.as_ref().unwrap();
            let paid = matches!(order.state, OrderState::Paid { .. });
            let wanted: u32 = basket.lines.iter().map(|line| line.tickets).sum();
            if !paid
                || !basket.tickets.contains(&ticket.id)
                || basket.tickets.len() != wanted as usize
            {
                return Some(format!("{} is of an order that is {:?}", ticket.id, order.state));
            }
            let named = ticket.visitor.as_ref().filter(|_| !ticket.revoked);
            if named.is_some_and(|named| !numbers.insert((named.digest, sold.slot.clone()))) {
                return Some(format!("{} is the second of its number", ticket.id));
            }
        }
        None
    }

    /// What was earned is what the tickets that are good cost, and what the site kept of those that are not; a payment
    /// earned its whole amount once, or all of it goes back.
    fn wrong_money(&self) -> Option<String> {
        let mut payments = BTreeMap::new();
        let mut refunds: BTreeMap<_, BTreeMap<_, i64>> = BTreeMap::new();
        for change in &self.site.journal {
            match change {
                Change::Payment(payment) => drop(payments.insert(payment.id, payment)),
                Change::Refund(refund) => {
                    let of = refunds.entry(refund.payment).or_default();
                    of.insert(refund.id, refund.amount.minor);
                }
                _ => {}
            }
        }
        for payment in payments.values() {
            let back: i64 = refunds.get(&payment.id).map_or(0, |all| all.values().sum());
            let paid = matches!(payment.state, PaymentState::Paid { .. });
            let order = self.site.latest_order(payment.order);
            let settled = matches!(order.state, OrderState::Paid { by: PaidBy::Payment(by), .. } if by == payment.id);
            let fits = match (paid, settled) {
                (true, true) => back <= payment.amount.minor,
                (true, false) => back == payment.amount.minor,
                (false, settled) => back == 0 && !settled,
            };
            if !fits {
                return Some(format!("{back} goes back of {payment:?}"));
            }
        }
        let tickets = self.site.latest_tickets();
        let sold = tickets.values().map(|ticket| ticket.sold.as_ref().unwrap());
        let worth: i64 = sold.map(|sold| sold.price.minor + sold.kept_minor).sum();
        let earned = -self.site.balance(Account::TicketRevenue);
        (earned < worth).then(|| format!("{earned} earned, tickets are worth {worth}"))
    }
}

#[test]
fn the_laws_of_the_sale_hold_whatever_visitors_do() {
    let (mut sold, mut back) = (0, 0);
    for seed in 1..=8 {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        let tickets = world.site.latest_tickets();
        sold += tickets.len();
        back += tickets.values().filter(|ticket| ticket.revoked).count();
    }
    assert!(sold > 100 && back > 20, "{sold} sold, {back} went back: too little happened");
}

#[test]
fn each_law_that_is_broken_is_found_out() {
    let after = |seed| {
        let mut world = World::new(seed);
        (0..STEPS).for_each(|_| world.step());
        world
    };
    let put = |world: &mut World, change: Change| {
        world.site.state.apply(&change);
        world.site.journal.push(change);
    };
    let mut lost = after(1);
    let mut slot = lost.site.state.slots.values().find(|slot| slot.paid() > 0).unwrap().clone();
    let seller = slot.paid.keys().next().unwrap().clone();
    slot.take_away(&seller, crate::core::slot::Place::Paid, 1);
    put(&mut lost, Change::Slot(slot));
    assert!(lost.wrong_places_only(), "a place that is nobody's");

    let mut alive = after(2);
    let tickets = alive.site.latest_tickets();
    let mut gone = tickets.values().find(|ticket| ticket.revoked).unwrap().clone();
    gone.revoked = false;
    put(&mut alive, Change::Ticket(gone));
    assert!(alive.wrong_tickets().is_some(), "a returned ticket that lets in again");

    let mut twice = after(3);
    let good = twice.site.latest_tickets().into_values().find(|ticket| !ticket.revoked).unwrap();
    let id = TicketId(good.id.0 + 1_000);
    put(&mut twice, Change::Ticket(Ticket { id, digest: CodeDigest::of("x"), ..good }));
    assert!(twice.wrong_tickets().is_some(), "a ticket that no order made");

    let mut unpaid = after(4);
    let paid = |change: &Change| matches!(change, Change::Posting(p) if p.credit == Account::TicketRevenue);
    unpaid.site.journal.retain(|change| !paid(change));
    assert!(unpaid.wrong_money().is_some(), "tickets that nobody paid");
}

impl World {
    fn wrong_places_only(&self) -> bool {
        self.site.wrong_places().is_some() && self.wrong_tickets().is_none()
    }
}
