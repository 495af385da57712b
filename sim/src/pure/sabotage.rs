//! Breaks one law on purpose, so that a test sees the checker find it. Knows nothing of checking.

use paifang::core::{
    Answer, Change, Decision, Effect, Input, State,
    lane::{ArmAction, Phase},
    money::{Account, PaymentState, Posting},
    pass::Standing,
    rules::{LaneUse, PassbackMode, Rules, ZoneRules, Zones},
    ticket::{Admission, AdmissionState},
};
use paifang::types::{
    ChannelId, ReservationId, StayId,
    bank::{Ask, PayWay},
};

/// What is done to the core's decisions, or to the world, before they are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Orders to open lose their cause.
    DropCause,
    /// The order is carried out without having been committed.
    DropOrder,
    DoubleCommand,
    /// Income is posted again under a new number.
    PostTwice,
    /// The same transaction number again.
    RepeatNumber,
    /// Money is posted as refunded that the bank never gave back.
    LoseMoney,
    /// Every opening is a close instead, whoever stands there.
    CloseAlways,
    /// The arm's own safety is blind, and the arm comes down two seconds after it rose.
    BlindArm,
    /// Nobody asks about payments.
    StopAsking,
    /// A change reaches the state and not the journal.
    SkipJournal,
    /// No order reaches any arm.
    NeverOpen,
    SecondStay,
    /// Deadlines are not dealt with.
    IgnoreDeadlines,
    /// Payments are never filed.
    KeepPayments,
    /// Nobody counts who went on a ticket.
    IgnoreTickets,
    /// Who did not go is put down as gone.
    PhantomUse,
    /// Who did not go is never given back.
    KeepUnused,
    /// A turnstile opens and no admission is committed.
    DropAdmission,
    /// A fire is only written down.
    IgnoreFire,
    /// Every car of a pass is covered, however many spaces it has.
    CoverAll,
    /// What an operator gave as a reason is not kept.
    DropReason,
    /// A charge that nobody answered goes on beside the exit scan.
    KeepCharge,
    /// What an accepted charge leaves owing is not put down.
    ForgetCharge,
    /// An exit waits for a charge for ever.
    HoldAtExit,
    /// A zone's number moves and nothing on record says so.
    DriftCount,
    /// A shift says that it took more than is posted.
    PadShift,
    /// Cash goes on record as more than was posted.
    PadCash,
    /// What a vehicle goes on owing is more than it owed.
    PadArrears,
    /// What merchants spent is forgotten.
    ForgetSpent,
    /// Whoever asked for a refund agrees to it.
    AgreeAlone,
    /// Another bank is asked about a payment.
    SwitchChannel,
    /// Nobody knows what was put wrong in a statement.
    HideCause,
    /// A balance is spent, and nothing is posted.
    SpendUnposted,
    /// The lines of a fee say more than it is.
    PadFee,
    /// Nobody counts the spaces.
    ForgetSpaces,
    /// Every lane is for everybody.
    ForgetClasses,
    /// Every vehicle comes in on the first reservation.
    ReserveForAll,
    /// Nobody looks whether a pass is inside.
    ForgetPassback,
    /// No lane waits for another.
    ForgetCouples,
    /// Places that somebody paid for are nobody's.
    LosePlaces,
    /// A time slot has no end of places.
    ForgetPlaces,
    /// Everybody comes back as often as they like.
    ForgetReturns,
    /// Nobody counts the persons inside.
    ForgetCrowd,
    /// Tickets are given out, and nothing is posted. In a shift its sums would tell.
    SellUnposted,
}

impl Sabotage {
    pub(super) fn spoil(self, state: &State, input: &Input, decision: &mut Decision) {
        match self {
            Self::DropCause => lanes(decision, |lane| {
                if let Some(order) = &mut lane.order {
                    order.cause = None;
                }
            }),
            Self::DropOrder => {
                decision
                    .changes
                    .retain(|c| !matches!(c, Change::Lane(lane) if lane.order.is_some()));
            }
            Self::DoubleCommand => {
                let arms = |e: &&Effect| matches!(e, Effect::Arm { .. });
                let again: Vec<Effect> = decision.effects.iter().filter(arms).cloned().collect();
                decision.effects.extend(again);
            }
            Self::PostTwice => post_again(decision, |posting| posting.txn += 1),
            Self::RepeatNumber => post_again(decision, |_| {}),
            Self::LoseMoney => post_again(decision, |posting| {
                posting.txn += 1;
                posting.debit = Account::RefundsPayable;
                posting.credit = Account::ChannelReceivable;
                posting.refund = Some(paifang::types::RefundId(1));
            }),
            Self::AgreeAlone => {
                if matches!(input, Input::RefundJudged { agreed: true, .. }) {
                    decision.reply = Ok(Answer::Done);
                }
            }
            Self::SwitchChannel => {
                for effect in &mut decision.effects {
                    if let Effect::AskBank { channel, ask: Ask::Query { .. } } = effect
                        && let Some(other) = ChannelId::parse("another")
                    {
                        *channel = other;
                    }
                }
            }
            Self::CloseAlways => close_instead(decision),
            Self::StopAsking => {
                for change in &mut decision.changes {
                    if let Change::Payment(payment) = change {
                        payment.next_ask = None;
                    }
                }
            }
            Self::SpendUnposted => {
                let spent = |c: &Change| matches!(c, Change::Posting(p) if p.debit == Account::StoredValue);
                decision.changes.retain(|change| !spent(change));
            }
            Self::CoverAll => {
                for change in &mut decision.changes {
                    if let Change::Stay(stay) = change
                        && let Some(pass) =
                            state.passes.values().find(|pass| pass.is_of(&stay.plate))
                    {
                        stay.standing = Standing::Pass(pass.id);
                    }
                }
            }
            Self::DropReason => {
                for change in &mut decision.changes {
                    if let Change::OperatorActed { reason, .. } = change {
                        reason.clear();
                    }
                }
            }
            Self::NeverOpen => decision.effects.retain(|e| !matches!(e, Effect::Arm { .. })),
            Self::SecondStay => {
                let stay = decision.changes.iter().find_map(|change| match change {
                    Change::Stay(stay) if stay.state.is_open() => Some(stay.clone()),
                    _ => None,
                });
                if let Some(mut stay) = stay {
                    stay.id = StayId(state.counters.stay + 1_000);
                    decision.changes.push(Change::Stay(stay));
                }
            }
            Self::IgnoreDeadlines => {
                decision.changes.clear();
                decision.effects.clear();
            }
            Self::KeepPayments => {
                decision.changes.retain(|c| !matches!(c, Change::PaymentFiled { .. }));
            }
            Self::IgnoreTickets => {
                for change in &mut decision.changes {
                    if let Change::Ticket(ticket) = change {
                        (ticket.used, ticket.held) = (0, 0);
                    }
                }
            }
            Self::PhantomUse => admissions(decision, |admission| {
                if admission.state == AdmissionState::GivenBack {
                    admission.state = AdmissionState::Used;
                }
            }),
            Self::KeepUnused => decision.changes.retain(|change| {
                !matches!(change, Change::Admission(a) if a.state == AdmissionState::GivenBack)
            }),
            Self::DropAdmission => {
                decision.changes.retain(|c| !matches!(c, Change::Admission(_)));
            }
            Self::IgnoreFire => {
                if matches!(input, Input::Fire { .. }) {
                    decision.changes.retain(|c| matches!(c, Change::AlarmRaised(_)));
                    decision.effects.clear();
                }
            }
            Self::KeepCharge => keep_charge(decision),
            Self::ForgetCharge => forget_charge(decision),
            Self::HoldAtExit => lanes(decision, |lane| {
                if let Some(wait) = &mut lane.wait {
                    wait.due = None;
                }
            }),
            Self::PadShift | Self::PadCash | Self::PadArrears | Self::ForgetSpent => {
                decision.changes.iter_mut().for_each(|change| self.pad(change));
            }
            Self::PadFee => {
                for change in &mut decision.changes {
                    if let Change::Order(order) = change
                        && let Some(line) = order.quote.lines.first_mut()
                    {
                        line.amount.minor += 1;
                    }
                }
            }
            Self::ReserveForAll => {
                for change in &mut decision.changes {
                    if let Change::Stay(stay) = change {
                        stay.standing = Standing::Reservation(ReservationId(1));
                    }
                }
            }
            Self::LosePlaces => {
                for change in &mut decision.changes {
                    if let Change::Slot(slot) = change {
                        slot.paid.clear();
                    }
                }
            }
            Self::SellUnposted => {
                let earned = |c: &Change| matches!(c, Change::Posting(p) if p.credit == Account::TicketRevenue && p.shift.is_none());
                decision.changes.retain(|change| !earned(change));
            }
            // See [`Self::forget`].
            Self::ForgetPlaces
            | Self::ForgetReturns
            | Self::ForgetCrowd
            | Self::ForgetSpaces
            | Self::ForgetClasses
            | Self::ForgetPassback
            | Self::ForgetCouples
            | Self::BlindArm | Self::SkipJournal | Self::DriftCount | Self::HideCause => {}
        }
    }

    /// Takes a rule from the core, and from nobody who watches it.
    pub(super) fn forget(self, rules: &mut Rules) {
        match self {
            Self::ForgetSpaces => {
                let zones = rules.zones.iter().map(|(id, zone)| (id.clone(), zone.clone()));
                let endless = zones.map(|(id, zone)| {
                    (id, ZoneRules { capacity: None, spaces: Vec::new(), ..zone })
                });
                if let Some(zones) = Zones::new(endless.collect()) {
                    rules.zones = zones;
                }
            }
            Self::ForgetClasses => {
                rules.lanes.values_mut().for_each(|lane| lane.serves = LaneUse::default());
            }
            Self::ForgetPassback => rules.access.passback.mode = PassbackMode::Off,
            Self::ForgetPlaces => {
                let plans = rules.shop.schedules.values_mut().flat_map(|s| &mut s.plans);
                plans.flat_map(|plan| &mut plan.spans).for_each(|span| span.capacity = u32::MAX);
            }
            Self::ForgetReturns => {
                let areas = rules.shop.products.values_mut().flat_map(|p| &mut p.areas);
                areas.for_each(|area| area.returns = None);
            }
            Self::ForgetCrowd => rules.tickets.persons_max.clear(),
            Self::ForgetCouples => rules.lanes.values_mut().for_each(|lane| lane.couple = None),
            _ => {}
        }
    }

    /// Sums that are not what they were.
    fn pad(self, change: &mut Change) {
        match (self, change) {
            (Self::PadShift, Change::Shift(shift)) if shift.totals.cash_count > 0 => {
                shift.totals.cash_minor += 100;
            }
            (Self::PadCash, Change::Cash(cash)) => {
                cash.amount.minor += 100;
                cash.tendered.minor += 100;
            }
            (Self::PadArrears, Change::Arrears(arrears)) => arrears.amount.minor += 100_000,
            (Self::ForgetSpent, Change::Merchant(merchant)) => merchant.spent_minor = 0,
            _ => {}
        }
    }
}

fn lanes(decision: &mut Decision, mut spoil: impl FnMut(&mut paifang::core::lane::Lane)) {
    for change in &mut decision.changes {
        if let Change::Lane(lane) = change {
            spoil(lane);
        }
    }
}

fn admissions(decision: &mut Decision, mut spoil: impl FnMut(&mut Admission)) {
    for change in &mut decision.changes {
        if let Change::Admission(admission) = change {
            spoil(admission);
        }
    }
}

fn keep_charge(decision: &mut Decision) {
    for change in &mut decision.changes {
        if let Change::Payment(payment) = change
            && payment.charge.is_some()
            && payment.state == PaymentState::Reversing
        {
            payment.state = PaymentState::Pending;
        }
    }
    decision.effects.retain(|effect| {
        let reverses = |ask: &Ask| matches!(ask, Ask::Reverse { way: PayWay::Plate, .. });
        !matches!(effect, Effect::AskBank { ask, .. } if reverses(ask))
    });
}

fn forget_charge(decision: &mut Decision) {
    let failed = decision.changes.iter().any(|change| {
        matches!(change, Change::Payment(payment) if payment.charge.is_some()
            && matches!(payment.state, PaymentState::Failed { .. } | PaymentState::Reversed))
    });
    if failed {
        decision.changes.retain(|c| !matches!(c, Change::Arrears(_) | Change::Order(_)));
    }
}

fn post_again(decision: &mut Decision, spoil: impl Fn(&mut Posting)) {
    let posting = decision.changes.iter().find_map(|change| match change {
        Change::Posting(p) if p.refund.is_none() && p.payment.is_some() => Some(p.clone()),
        _ => None,
    });
    if let Some(mut posting) = posting {
        spoil(&mut posting);
        decision.changes.push(Change::Posting(posting));
    }
}

fn close_instead(decision: &mut Decision) {
    lanes(decision, |lane| {
        if let Some(order) = &mut lane.order
            && lane.phase != Phase::HeldOpen
        {
            order.action = ArmAction::Close;
        }
    });
    for effect in &mut decision.effects {
        if let Effect::Arm { action, .. } = effect
            && *action != ArmAction::Hold
        {
            *action = ArmAction::Close;
        }
    }
}
