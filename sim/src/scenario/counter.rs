//! What passes over a counter in a table: cash and shifts, arrears, merchants, calls for help, counts. Knows no sensor.

use jiff::{Timestamp, civil::Time};
use paifang::{
    core::{
        Input, Rules, State,
        tariff::Benefit,
        task::{CallFrom, TaskAct},
        till::{Arrears, MerchantAct, Offer, TillAct},
    },
    types::{BoothId, LaneId, MerchantId, OrderId, Plate, TaskId, ZoneId},
};

use super::steps::{lane_id, minor, plate};

/// One act; names are of operators and merchants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterStep {
    pub who: String,
    pub act: Act,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    OpenShift(i64),
    HandOver(i64),
    TakeOver(i64),
    Cash(LaneId, i64),
    SetFee(LaneId, i64, String),
    /// The car in the lane came in today at this time; `None`: nobody knows when.
    CameIn(LaneId, Option<Time>),
    Forgive(Plate, String),
    /// A second operator stands beside and agrees.
    Seconded(String, Box<Act>),
    /// What earlier stays left unpaid, in cash.
    CashForArrears(Plate, i64),
    /// A merchant with so much to give: two hours each time.
    Budget(i64),
    /// The same, with an offer of its own.
    Offers(Benefit, i64),
    /// Gives the offer of its own.
    Gives(Plate),
    Validate(Plate),
    Unvalidate(Plate),
    CallHelp(LaneId),
    TakeCall(LaneId),
    SettleCall(LaneId, String),
    /// Its vehicle is not inside any more.
    EndStay(Plate, String),
    /// What is asked about a vehicle.
    SettleTask(Plate, String),
    Count(u32, ZoneId),
}

/// The only booth of a table's site.
const BOOTH: &str = "booth";
/// What every merchant gives: two hours, worth at most two hours of the usual tariff.
const OFFER: &str = "2 h";
const OFFER_MINUTES: u32 = 120;
const OFFER_AT_MOST_MINOR: i64 = 1_000;
/// What a merchant's own offer is called, and is worth at most.
const OWN: &str = "own";
const OWN_AT_MOST_MINOR: i64 = 5_000;

type Make = fn(&[&str]) -> Result<CounterStep, String>;

/// Every phrase, in the order they are tried.
pub(super) const WORDS: &[(&str, Make)] = &[
    ("operator {} opens a shift with {}", |w| by(w[0], Act::OpenShift(minor(w[1])?))),
    ("operator {} hands the shift over with {}", |w| by(w[0], Act::HandOver(minor(w[1])?))),
    ("operator {} takes the drawer over with {}", |w| by(w[0], Act::TakeOver(minor(w[1])?))),
    ("operator {} takes {} in cash in {}", |w| by(w[0], Act::Cash(lane_id(w[2])?, minor(w[1])?))),
    ("operator {} takes {} in cash for what {} owes from before", |w| {
        by(w[0], Act::CashForArrears(plate(w[2])?, minor(w[1])?))
    }),
    ("operator {} does not know when the car in {} came in", |w| {
        by(w[0], Act::CameIn(lane_id(w[1])?, None))
    }),
    ("operator {} sets the fee in {} to {}: {*}", |w| {
        by(w[0], Act::SetFee(lane_id(w[1])?, minor(w[2])?, w[3].into()))
    }),
    ("operator {} with {} sets the fee in {} to {}: {*}", |w| {
        let act = Act::SetFee(lane_id(w[2])?, minor(w[3])?, w[4].into());
        by(w[0], Act::Seconded(w[1].into(), Box::new(act)))
    }),
    ("operator {} with {} forgives what {} owes: {*}", |w| {
        let act = Act::Forgive(plate(w[2])?, w[3].into());
        by(w[0], Act::Seconded(w[1].into(), Box::new(act)))
    }),
    ("operator {} says that the car in {} came in at {}", |w| {
        let time = w[2].parse().map_err(|_| format!("\"{}\" is no time", w[2]))?;
        by(w[0], Act::CameIn(lane_id(w[1])?, Some(time)))
    }),
    ("operator {} forgives what {} owes: {*}", |w| {
        by(w[0], Act::Forgive(plate(w[1])?, w[2].into()))
    }),
    ("merchant {} has {} to give, two hours at a time", |w| by(w[0], Act::Budget(minor(w[1])?))),
    ("merchant {} may give {*}, {} in all", |w| {
        by(w[0], Act::Offers(benefit(w[1])?, minor(w[2])?))
    }),
    ("merchant {} gives {} what it may", |w| by(w[0], Act::Gives(plate(w[1])?))),
    ("merchant {} gives {} two hours", |w| by(w[0], Act::Validate(plate(w[1])?))),
    ("merchant {} takes back what it gave {}", |w| by(w[0], Act::Unvalidate(plate(w[1])?))),
    ("the driver in {} calls for help", |w| by("driver", Act::CallHelp(lane_id(w[0])?))),
    ("operator {} takes on the call from {}", |w| by(w[0], Act::TakeCall(lane_id(w[1])?))),
    ("operator {} settles the call from {}: {*}", |w| {
        by(w[0], Act::SettleCall(lane_id(w[1])?, w[2].into()))
    }),
    ("operator {} sees that {} has left: {*}", |w| {
        by(w[0], Act::EndStay(plate(w[1])?, w[2].into()))
    }),
    ("operator {} settles what is asked about {}: {*}", |w| {
        by(w[0], Act::SettleTask(plate(w[1])?, w[2].into()))
    }),
    ("operator {} counts {} cars in {}", |w| {
        let count = w[1].parse().map_err(|_| format!("\"{}\" is no number", w[1]))?;
        let zone = ZoneId::parse(w[2]).ok_or_else(|| format!("\"{}\" is no zone", w[2]))?;
        by(w[0], Act::Count(count, zone))
    }),
];

/// `the first 60 min`, `the last 60 min`, `5.00 off`, `50 percent off`, `a free stay`, `the prices of night`.
fn benefit(text: &str) -> Result<Benefit, String> {
    let number = |text: &str| text.parse().map_err(|_| format!("\"{text}\" is no number"));
    let words: Vec<&str> = text.split(' ').collect();
    Ok(match words[..] {
        ["the", "first", minutes, "min"] => Benefit::TimeFront { minutes: number(minutes)? },
        ["the", "last", minutes, "min"] => Benefit::TimeBack { minutes: number(minutes)? },
        [amount, "off"] => Benefit::Amount { minor: minor(amount)? },
        [percent, "percent", "off"] => {
            let off = percent.parse().map_err(|_| format!("\"{percent}\" is no percentage"))?;
            Benefit::Percent { off }
        }
        ["a", "free", "stay"] => Benefit::AllFree,
        ["the", "prices", "of", name] => Benefit::OtherTariff { name: name.into() },
        _ => return Err(format!("\"{text}\" is nothing that a merchant may give")),
    })
}

fn by(who: &str, act: Act) -> Result<CounterStep, String> {
    Ok(CounterStep { who: who.to_owned(), act })
}

impl CounterStep {
    /// What it tells the core.
    pub(super) fn input(
        &self,
        state: &State,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Input, String> {
        let who = self.who.clone();
        let booth = BoothId::parse(BOOTH).expect("a booth of this file");
        let act = match &self.act {
            Act::Seconded(second, act) => {
                let alone = Self { who: who.clone(), act: act.as_ref().clone() };
                let Input::Till { act, .. } = alone.input(state, rules, now)? else {
                    return Err("nobody has to agree to that".into());
                };
                TillAct::Seconded { second: second.clone(), act: Box::new(act) }
            }
            Act::OpenShift(float_minor) => TillAct::OpenShift { booth, float_minor: *float_minor },
            Act::HandOver(counted) => TillAct::CloseShift { booth, counted_minor: *counted },
            Act::TakeOver(counted) => TillAct::TakeOver { booth, counted_minor: *counted },
            Act::Cash(lane, tendered) => {
                TillAct::TakeCash { order: order_in(state, lane)?, tendered_minor: *tendered }
            }
            Act::SetFee(lane, amount, reason) => {
                let (lane, reason) = (lane.clone(), reason.clone());
                TillAct::SetFee { lane, amount_minor: *amount, reason }
            }
            Act::CameIn(lane, time) => {
                let today = now.to_zoned_datetime(rules.zone.clone()).date();
                let at = time.map(|time| rules.zone.to_timestamp(today.to_datetime(time)));
                let entered_at = at.transpose().map_err(|why| why.to_string())?;
                let reason = "seen in the pictures".into();
                TillAct::GiveEntry { lane: lane.clone(), plate: None, entered_at, reason }
            }
            Act::Forgive(plate, reason) => {
                let arrears = owed_by(state, plate)?.id;
                TillAct::Forgive { arrears, reason: reason.clone() }
            }
            Act::EndStay(plate, reason) => {
                let stay = state.stay_of(plate).ok_or("it is not inside")?.id;
                TillAct::EndStay { stay, reason: reason.clone() }
            }
            Act::CashForArrears(plate, tendered) => {
                let order = owed_by(state, plate)?.order;
                TillAct::TakeCash { order, tendered_minor: *tendered }
            }
            _ => return self.other(state),
        };
        Ok(Input::Till { who, act })
    }

    fn other(&self, state: &State) -> Result<Input, String> {
        let who = self.who.clone();
        Ok(match &self.act {
            Act::Budget(budget_minor) => {
                let benefit = Benefit::TimeFront { minutes: OFFER_MINUTES };
                put(who, (OFFER, benefit, OFFER_AT_MOST_MINOR), *budget_minor)
            }
            Act::Offers(benefit, budget_minor) => {
                put(who, (OWN, benefit.clone(), OWN_AT_MOST_MINOR), *budget_minor)
            }
            Act::Validate(plate) => self.gives(state, plate, OFFER)?,
            Act::Gives(plate) => self.gives(state, plate, OWN)?,
            Act::Unvalidate(plate) => {
                let merchant = self.merchant(state)?;
                let stay = state.stay_of(plate).ok_or("it is not inside")?.id;
                let given = state.validations.values();
                let mut given = given.filter(|v| v.stay == stay && v.merchant == merchant);
                let validation = given.next().ok_or("nothing was given")?.id;
                Input::Unvalidate { validation, merchant: Some(merchant) }
            }
            Act::CallHelp(lane) => {
                let says = String::new();
                Input::HelpAsked { lane: lane.clone(), from: CallFrom::Phone, says }
            }
            Act::TakeCall(lane) => {
                Input::TaskActed { task: call_from(state, lane)?, act: TaskAct::Take, who }
            }
            Act::SettleCall(lane, what) => {
                let act = TaskAct::Settle { what: what.clone() };
                Input::TaskActed { task: call_from(state, lane)?, act, who }
            }
            Act::SettleTask(plate, what) => {
                let stay = state.stay_of(plate).ok_or("it is not inside")?.id;
                let mut tasks = state.tasks.values();
                let task = tasks.find(|task| task.stay == Some(stay)).ok_or("nothing is asked")?;
                let act = TaskAct::Settle { what: what.clone() };
                Input::TaskActed { task: task.id, act, who }
            }
            Act::Count(found, zone) => {
                let reason = "counted".into();
                Input::ZoneCounted { zone: zone.clone(), found: *found, who, reason }
            }
            _ => return Err("that is no act of this counter".into()),
        })
    }

    fn gives(&self, state: &State, plate: &Plate, offer: &str) -> Result<Input, String> {
        let (merchant, by) = (self.merchant(state)?, self.who.clone());
        Ok(Input::Validate { merchant, plate: plate.clone(), offer: offer.into(), by })
    }

    fn merchant(&self, state: &State) -> Result<MerchantId, String> {
        let named = state.merchants.values().find(|merchant| merchant.name == self.who);
        Ok(named.ok_or_else(|| format!("no merchant is called {}", self.who))?.id)
    }
}

/// A merchant with one offer.
fn put(name: String, (offer, benefit, at_most_minor): (&str, Benefit, i64), budget: i64) -> Input {
    let offers = vec![Offer { name: offer.into(), benefit, at_most_minor }];
    let act = MerchantAct::Put { id: None, name, offers, budget_minor: budget };
    Input::Merchant { who: "li".into(), act }
}

/// The oldest that a plate has not paid for an earlier stay.
pub(super) fn owed_by<'s>(state: &'s State, plate: &Plate) -> Result<&'s Arrears, String> {
    let owed = state.arrears.values().find(|arrears| arrears.plate == *plate);
    owed.ok_or_else(|| format!("{} owes nothing", plate.full()))
}

/// What the vehicle in a lane is to pay.
pub(super) fn order_in(state: &State, lane: &LaneId) -> Result<OrderId, String> {
    let visit = state.lanes.get(lane).and_then(|lane| lane.visit.as_ref());
    visit.and_then(|visit| visit.order).ok_or_else(|| format!("nothing is to be paid in {lane}"))
}

fn call_from(state: &State, lane: &LaneId) -> Result<TaskId, String> {
    let calls = state.tasks.values().filter(|task| task.is_call());
    let found = calls.into_iter().find(|task| task.lane.as_ref() == Some(lane));
    Ok(found.ok_or_else(|| format!("nobody calls from {lane}"))?.id)
}
