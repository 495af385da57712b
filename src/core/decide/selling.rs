//! Tickets asked for: what is sold to whom for when, and an order that holds its places until it is paid or over.
//! Knows no gate.

use std::collections::BTreeMap;

use super::{Desk, ledger::Entry, sale};
use crate::{
    core::{
        basket::{Basket, Line},
        change::Change,
        input::{Answer, Refusal, Reply},
        money::{Account, Order, OrderState, PaidBy, Sale},
        product::{Kind, Product},
        selling::{LineAsked, NoSale, TicketsAsked},
        slot::{Place, Schedule, Slot, Span},
        tariff::Quote,
        ticket::Area,
    },
    types::{CodeDigest, CounterId, Money, OrderId, ProductId},
};

/// Lines of one order.
const LINES_MAX: usize = 20;

impl Desk<'_> {
    pub(super) fn tickets_asked(&mut self, asked: TicketsAsked) -> Reply {
        let numbered = (1..=sale::KEY_CHARS_MAX).contains(&asked.key.chars().count());
        let fits = numbered && !asked.key.chars().any(char::is_control);
        if !fits || !(1..=LINES_MAX).contains(&asked.lines.len()) {
            return Err(NoSale::OrderUnfit.into());
        }
        if let Some(known) = self.state.sale_of(&asked.counter, &asked.key) {
            let same = known.basket.as_ref().is_some_and(|basket| is_same(basket, &asked));
            return if same {
                Ok(Answer::Order(known.id))
            } else {
                Err(Refusal::SaleDiffers(known.id))
            };
        }
        let lines = self.lines_of(&asked)?;
        self.may_take(&lines, &asked.counter)?;
        let basket = self.new_basket(lines, asked.medium)?;
        let order = self.ticket_order(asked.counter, asked.key, basket)?;
        Ok(Answer::Order(self.hold(order)))
    }

    /// Its places are held from now on; one that costs nothing is paid.
    pub(super) fn hold(&mut self, order: Order) -> OrderId {
        let (Some(sale), Some(basket)) = (&order.sale, &order.basket) else { return order.id };
        self.take(&basket.lines, &sale.counter, Place::Held);
        if basket.moves.is_empty() {
            basket.lines.iter().for_each(|line| self.count_visitors(line, 1));
        }
        let (id, free) = (order.id, order.amount.is_zero());
        self.record(Change::Order(order.clone()));
        if free {
            self.order_paid(order, PaidBy::Counter);
        }
        id
    }

    /// A counter that settles by account: the order is as good as paid.
    pub(super) fn tickets_confirmed(&mut self, counter: &CounterId, id: OrderId) -> Reply {
        let order = self.order(id).filter(|order| sale::is_of(order, counter)).cloned();
        let order = order.filter(|order| order.basket.is_some()).ok_or(Refusal::NotDue(id))?;
        if !self.rules.shop.on_account.contains(counter) {
            return Err(NoSale::NotOnAccount(counter.clone()).into());
        }
        match order.state {
            OrderState::Due => {}
            OrderState::Paid { .. } => return Ok(Answer::AlreadyPaid),
            OrderState::Void | OrderState::Waived { .. } | OrderState::Unpaid => {
                return Err(Refusal::NotDue(id));
            }
        }
        let earned = self.earned_by(&order);
        let entry = Entry::earns(Account::CounterReceivable, &earned, order.amount);
        self.book(Entry { order: Some(order.id), ..entry });
        self.order_paid(order, PaidBy::Counter);
        Ok(Answer::Done)
    }

    /// Whether an order of tickets may be paid: its places are held, or it is late and there are places again.
    pub(super) fn tickets_still_owed(&self, order: &Order) -> bool {
        let (Some(sale), Some(basket)) = (&order.sale, &order.basket) else { return false };
        let movable = basket.moves.iter().all(|ticket| self.unused(*ticket).is_ok());
        let leaving = basket.moves.iter().filter_map(|ticket| self.ticket(*ticket));
        let leaving: Vec<Line> = leaving.filter_map(|ticket| self.line_of(ticket).ok()).collect();
        match order.state {
            OrderState::Due => movable,
            OrderState::Void if !basket.given_up => {
                let not_over = basket.lines.iter().all(|line| line.valid_until > self.now);
                not_over
                    && movable
                    && self.may_take_for(&basket.lines, &sale.counter, &leaving).is_ok()
            }
            _ => false,
        }
    }

    pub(super) fn ticket_order(
        &self,
        counter: CounterId,
        key: String,
        mut basket: Basket,
    ) -> Result<Order, Refusal> {
        let prices =
            basket.lines.iter().map(|line| line.price.minor.checked_mul(line.tickets.into()));
        let minor = prices.sum::<Option<i64>>().ok_or(Refusal::AmountUnfit)?;
        if !(0..=sale::SALE_MINOR_MAX).contains(&minor) {
            return Err(Refusal::AmountUnfit);
        }
        let (id, amount) = (self.next_order(), self.money(minor));
        basket.pickup = self.pickup(id).ok_or(NoSale::NoShop)?;
        let subject = self.subject(&basket.lines);
        let open_until = Some(self.now + self.rules.shop.hold);
        Ok(Order {
            id,
            stay: None,
            sale: Some(Sale { counter, key, subject, open_until }),
            basket: Some(basket),
            pass: None,
            lane: None,
            amount,
            quote: Quote {
                from: self.now,
                to: self.now,
                amount,
                lines: Vec::new(),
                tariff: "".into(),
                version: "".into(),
                paid_minor: 0,
                leave_by: None,
            },
            made_at: self.now,
            state: OrderState::Due,
            arrears: Vec::new(),
            by_plate: true,
        })
    }

    pub(super) fn new_basket(
        &self,
        lines: Vec<Line>,
        medium: crate::core::ticket::Medium,
    ) -> Result<Basket, NoSale> {
        // Named by the order's number, which is given later.
        let pickup = self.pickup(OrderId(0)).ok_or(NoSale::NoShop)?;
        Ok(Basket {
            lines,
            pickup,
            medium,
            tickets: Vec::new(),
            moves: Vec::new(),
            given_up: false,
            cash_owed_minor: 0,
            returns: Vec::new(),
        })
    }

    /// A code for collecting paper that no other order in memory has.
    fn pickup(&self, order: OrderId) -> Option<CodeDigest> {
        let codes = self.rules.shop.codes.as_ref()?;
        let mut digests = (0..=u8::MAX).map(|again| codes.pickup(order, again));
        digests.find(|digest| self.state.order_of_pickup(digest).is_none())
    }

    /// What the payer reads: `成人票×2、儿童票×1`.
    fn subject(&self, lines: &[Line]) -> String {
        let name = |line: &Line| {
            let product = self.rules.shop.products.get(&line.product);
            let name = product.map_or(line.product.as_str(), |product| product.name.zh.as_str());
            format!("{name}×{}", line.places())
        };
        let all = lines.iter().map(name).collect::<Vec<_>>().join("、");
        let cut = all.chars().count() > sale::SUBJECT_CHARS_MAX;
        let head: String = all.chars().take(sale::SUBJECT_CHARS_MAX - usize::from(cut)).collect();
        if cut { head + "…" } else { head }
    }

    // ---- what is sold ----------------------------------------------------------------------------

    fn lines_of(&self, asked: &TicketsAsked) -> Result<Vec<Line>, NoSale> {
        let mut lines = Vec::with_capacity(asked.lines.len());
        let mut persons = 0_u32;
        for wanted in &asked.lines {
            let product = self.offered(&wanted.product, &asked.counter)?;
            let line = self.line(product, wanted)?;
            if !matches!(product.kind, Kind::Group { .. }) {
                persons = persons.saturating_add(line.places());
            }
            lines.push(line);
        }
        let most = self.rules.shop.persons_max;
        if persons > most {
            return Err(NoSale::TooMany(most));
        }
        self.add_ons_fit(&lines)?;
        Ok(lines)
    }

    pub(super) fn offered(&self, id: &ProductId, counter: &CounterId) -> Result<&Product, NoSale> {
        let product = self.rules.shop.products.get(id);
        let product = product.filter(|product| product.sold_by(counter));
        product.ok_or_else(|| NoSale::NoProduct(id.clone()))
    }

    /// One line, priced, with the time it is good for.
    pub(super) fn line(&self, product: &Product, wanted: &LineAsked) -> Result<Line, NoSale> {
        let id = || product.id.clone();
        let (min, max) = product.persons();
        if !(min..=max).contains(&wanted.persons) {
            return Err(NoSale::PersonsUnfit(id(), min, max));
        }
        // Enough for any order, and no sum of them is too large to count.
        if !(1..=1_000).contains(&wanted.tickets) {
            return Err(NoSale::TooMany(self.rules.shop.persons_max));
        }
        let names = wanted.visitors.len();
        if product.named.is_some() && names != wanted.tickets as usize
            || product.named.is_none() && names != 0
        {
            return Err(NoSale::NameNeeded(id()));
        }
        let book = &self.rules.tariffs;
        let minor =
            product.price_minor(wanted.day, book).ok_or_else(|| NoSale::NotThatDay(id()))?;
        let minor = minor.checked_mul(wanted.persons.into()).unwrap_or(i64::MAX);
        let found = self.slot_for(product, wanted)?;
        self.is_on_sale(product, wanted, found.as_ref().map(|(_, _, span)| span))?;
        let slot = found.as_ref().map(|(schedule, _, span)| (*schedule, span));
        let window = product.valid.window(wanted.day, slot, &self.rules.zone);
        let (valid_from, valid_until) =
            window.filter(|(_, until)| *until > self.now).ok_or_else(|| NoSale::NotNow(id()))?;
        let areas = product.areas.iter();
        Ok(Line {
            product: id(),
            day: wanted.day,
            slot: wanted.slot.clone(),
            tickets: wanted.tickets,
            persons: wanted.persons,
            price: self.money(minor),
            valid_from,
            valid_until,
            areas: areas.map(|area| Area::new(area.zone.clone(), area.returns)).collect(),
            visitors: wanted.visitors.clone(),
        })
    }

    fn slot_for(
        &self,
        product: &Product,
        wanted: &LineAsked,
    ) -> Result<Option<(&Schedule, Slot, Span)>, NoSale> {
        match (&product.schedule, &wanted.slot) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(NoSale::SlotNeeded(product.id.clone())),
            (None, Some(slot)) => Err(NoSale::NoSlot(slot.clone())),
            (Some(of), Some(id)) => {
                let schedule = self.rules.shop.schedules.get(of);
                let found = self.slot_at(of, wanted.day, id);
                let both =
                    schedule.zip(found).map(|(schedule, (slot, span))| (schedule, slot, span));
                both.map(Some).ok_or_else(|| NoSale::NoSlot(id.clone()))
            }
        }
    }

    fn is_on_sale(
        &self,
        product: &Product,
        wanted: &LineAsked,
        span: Option<&Span>,
    ) -> Result<(), NoSale> {
        let on_sale = product.is_on_sale(wanted.day, span, self.now, &self.rules.zone);
        if on_sale { Ok(()) } else { Err(NoSale::NotNow(product.id.clone())) }
    }

    /// No more persons with an add-on than with what it is added to, on each day.
    fn add_ons_fit(&self, lines: &[Line]) -> Result<(), NoSale> {
        let mut left: BTreeMap<_, i64> = BTreeMap::new();
        for line in lines {
            *left.entry((&line.product, line.day)).or_default() += i64::from(line.places());
        }
        for line in lines {
            let product = self.rules.shop.products.get(&line.product);
            let Some(Kind::AddOn { to }) = product.map(|product| &product.kind) else { continue };
            let left = left.entry((to, line.day)).or_default();
            *left -= i64::from(line.places());
            if *left < 0 {
                return Err(NoSale::AddOnAlone(line.product.clone(), to.clone()));
            }
        }
        Ok(())
    }

    /// A part of a price: minor units, half away from nothing.
    pub(super) fn percent_of(&self, minor: i64, percent: u8) -> Money {
        let part = (i128::from(minor) * i128::from(percent) + 50) / 100;
        self.money(i64::try_from(part).unwrap_or(minor))
    }
}

/// The same tickets for the same visitors.
fn is_same(basket: &Basket, asked: &TicketsAsked) -> bool {
    basket.medium == asked.medium && basket.is_of(&asked.lines)
}
