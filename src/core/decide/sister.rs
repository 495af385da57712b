//! A ticket that a sister daemon sold, before one of our gates: its home is asked, waited for a moment, and told what
//! became of the person. Knows no wire.

use std::time::Duration;

use super::Desk;
use crate::{
    core::{
        change::{AlarmKind, Change},
        effect::Effect,
        gate::{Phase, Way},
        input::{Answer, Refusal, Reply},
        presented::Presented,
        rules::TicketRules,
        sister::{AskState, Sister, SisterAsk, SisterRules, SisterWord, WhenApart},
        task::About,
        ticket::{AdmissionState, Again, NotAdmitted, Ticket},
    },
    types::{AdmissionId, AskId, LaneId, TicketId, ZoneId},
};

/// How often it is looked at whether somebody still waits for a person who is kept at home.
const LOOK: Duration = Duration::from_secs(30);
/// Who was kept for a sister that is silent for so long, nobody knows about.
const UNSURE: Duration = Duration::from_mins(1);

impl Desk<'_> {
    /// The sister that sold a ticket; `None`: it was sold here, or by nobody we know.
    pub(super) fn home_of(&self, ticket: TicketId) -> Option<(u8, &SisterRules)> {
        let issuer = TicketRules::issuer_of(ticket);
        let other = (issuer != self.rules.tickets.issuer).then_some(issuer)?;
        Some((other, self.rules.sisters.get(&other)?))
    }

    /// It was sold by a sister: others cannot change it here.
    pub(super) fn is_a_sisters(&self, ticket: TicketId) -> bool {
        self.home_of(ticket).is_some()
    }

    pub(super) fn is_apart(&self, sister: u8) -> bool {
        self.sister(sister).is_some_and(|sister| sister.apart_since.is_some())
    }

    pub(super) fn sister(&self, id: u8) -> Option<&Sister> {
        let changed = self.changes.iter().rev().find_map(|change| match change {
            Change::Sister(sister) if sister.id == id => Some(sister),
            _ => None,
        });
        changed.or_else(|| self.state.sisters.get(&id))
    }

    pub(super) fn sister_ask(&self, id: AskId) -> Option<&SisterAsk> {
        let changed = self.changes.iter().rev().find_map(|change| match change {
            Change::SisterAsk(ask) if ask.id == id => Some(ask),
            _ => None,
        });
        changed.or_else(|| self.state.asks.get(&id)).filter(|ask| ask.over_at.is_none())
    }

    /// As this decision leaves them.
    pub(super) fn sister_asks(&self) -> impl Iterator<Item = &SisterAsk> {
        let fresh = self.changes.iter().filter_map(|change| match change {
            Change::SisterAsk(ask) if !self.state.asks.contains_key(&ask.id) => Some(ask.id),
            _ => None,
        });
        let ids = self.state.asks.keys().copied().chain(fresh);
        ids.filter_map(|id| self.sister_ask(id))
    }

    /// What was asked for a person who is not on the way yet.
    pub(super) fn pending(&self, lane: &LaneId, ticket: TicketId) -> Option<&SisterAsk> {
        self.sister_asks().find(|ask| {
            ask.ticket == ticket
                && ask.lane == *lane
                && ask.admission.is_none()
                && matches!(ask.state, AskState::Asked | AskState::Lent | AskState::Alone)
        })
    }

    // ---- before the gate -------------------------------------------------------------------------

    /// `None`: it is decided here and now.
    pub(super) fn at_home(&mut self, lane: &LaneId, shown: &Presented) -> Option<Reply> {
        let ticket = match shown {
            Presented::Signed(claims, ..) => claims.ticket,
            Presented::Code(digest) => self.ticket_of(digest)?.id,
            Presented::Ticket(id) => *id,
            Presented::Person(_) | Presented::Bad(_) => return None,
        };
        self.asked_at_home(lane, ticket, *shown, false)
    }

    /// The next person of a ticket whose code was shown before.
    pub(super) fn next_at_home(&mut self, lane: &LaneId, ticket: TicketId) -> Option<Reply> {
        let digest = self.ticket(ticket)?.digest;
        self.asked_at_home(lane, ticket, Presented::Code(digest), true)
    }

    fn asked_at_home(
        &mut self,
        lane: &LaneId,
        ticket: TicketId,
        shown: Presented,
        follows: bool,
    ) -> Option<Reply> {
        let gate = self.gate(lane)?;
        if self.way_of(lane) == Way::Out || gate.phase == Phase::HeldFree {
            return None;
        }
        let known = self.ticket(ticket).map(|ticket| ticket.id);
        let Some((sister, rules)) = self.home_of(ticket) else {
            let shut = self.rules.tickets.is_own(ticket) && self.refuses_apart();
            return shut.then(|| self.refuse_scan(lane, known, NotAdmitted::Apart));
        };
        let (patience, when_apart) = (rules.patience, rules.when_apart);
        let open_for = gate.pass.and_then(|pass| pass.ticket);
        let under_way = matches!(gate.phase, Phase::Granted | Phase::Closing | Phase::Faulty);
        if open_for == Some(ticket) && under_way || gate.next == Some(ticket) {
            return Some(Ok(Answer::Duplicate));
        }
        match self.pending(lane, ticket).map(|ask| ask.state) {
            Some(AskState::Asked) => return Some(Ok(Answer::Duplicate)),
            Some(_) => return None,
            None => {}
        }
        if gate.next.is_some() {
            return Some(self.refuse_scan(lane, known, NotAdmitted::Busy));
        }
        if self.is_apart(sister) {
            let alone = when_apart == WhenApart::Admit;
            return (!alone).then(|| self.refuse_scan(lane, known, NotAdmitted::Apart));
        }
        let zone = self.rules.gates.get(lane)?.zone.clone();
        let ask = self.new_ask((sister, ticket), (lane.clone(), zone), shown);
        let due = Some(self.now + patience);
        self.ask_sister(SisterAsk { due, follows, ..ask });
        Some(Ok(Answer::Queued))
    }

    /// Some sister is not heard, and then nobody is let in on a ticket that may be shown there.
    pub(super) fn refuses_apart(&self) -> bool {
        let mut sisters = self.rules.sisters.iter();
        sisters.any(|(id, rules)| rules.when_apart == WhenApart::Refuse && self.is_apart(*id))
    }

    pub(super) fn new_ask(
        &self,
        (sister, ticket): (u8, TicketId),
        (lane, zone): (LaneId, ZoneId),
        shown: Presented,
    ) -> SisterAsk {
        let last = self.state.counters.ask;
        let id = AskId(self.fresh(last, |change| match change {
            Change::SisterAsk(ask) => Some(ask.id.0),
            _ => None,
        }));
        SisterAsk {
            id,
            sister,
            ticket,
            lane,
            zone,
            way: Way::In,
            shown,
            state: AskState::Asked,
            at: self.now,
            due: None,
            admission: None,
            alone: false,
            again: Again::First,
            went_at: None,
            hand: None,
            who: None,
            follows: false,
            why: None,
            double: false,
            over_at: None,
        }
    }

    pub(super) fn ask_sister(&mut self, ask: SisterAsk) {
        let watched = self.is_watched(&ask.zone);
        self.record(Change::SisterAsk(ask.clone()));
        self.act(Effect::AskSister { ask, watched });
    }

    // ---- the answer ------------------------------------------------------------------------------

    /// One that comes after the patience changes nothing: what is kept at home is given back by what we tell.
    pub(super) fn sister_said(&mut self, id: AskId, word: SisterWord) -> Reply {
        let Some(mut ask) = self.sister_ask(id).cloned() else { return Ok(Answer::Duplicate) };
        if ask.state != AskState::Asked {
            return Ok(Answer::Duplicate);
        }
        match word {
            SisterWord::Lent(ticket) if ticket.id == ask.ticket => {
                let ticket = self.with_fewest_held(&ask, copy(*ticket));
                (ask.state, ask.due) = (AskState::Lent, Some(self.now + LOOK));
                self.record(Change::SisterAsk(ask.clone()));
                self.record(Change::Ticket(ticket));
                self.lent(ask)
            }
            SisterWord::Refused(why) => {
                ask.state = AskState::Refused;
                self.not_lent(ask, why)
            }
            SisterWord::Lent(_) | SisterWord::Silent => self.sister_silent(ask),
        }
    }

    /// A person is kept for it, or the site lets it in without.
    fn lent(&mut self, ask: SisterAsk) -> Reply {
        if ask.hand.is_some() {
            return self.let_in_hand_ask(ask);
        }
        let follow = self.gate(&ask.lane).map_or(0, |gate| gate.follow);
        let answer = self.admit_person(&ask.lane, ask.ticket);
        if ask.follows
            && let Some(mut gate) = self.gate(&ask.lane).cloned()
        {
            gate.follow = follow;
            self.record(Change::Gate(gate));
        }
        self.drop_if_idle(ask.id);
        answer
    }

    /// Nobody is on the way for it, and nobody waits.
    fn drop_if_idle(&mut self, id: AskId) {
        let Some(mut ask) = self.sister_ask(id).cloned() else { return };
        let waits = self.gate(&ask.lane).is_some_and(|gate| gate.next == Some(ask.ticket));
        if ask.admission.is_none()
            && !waits
            && matches!(ask.state, AskState::Lent | AskState::Alone)
        {
            (ask.state, ask.due) = (AskState::Unused, None);
            self.tell_sister(ask);
        }
    }

    pub(super) fn not_lent(&mut self, mut ask: SisterAsk, why: NotAdmitted) -> Reply {
        let (lane, known) = (ask.lane.clone(), self.ticket(ask.ticket).map(|ticket| ticket.id));
        ask.why = Some(why);
        if ask.hand.is_some() {
            ask.due = Some(self.now + LOOK);
        } else if !ask.state.is_to_tell() {
            (ask.due, ask.over_at) = (None, Some(self.now));
        }
        let (by_hand, who) = (ask.hand.clone(), ask.who.clone());
        self.tell_sister(ask);
        match by_hand {
            Some(key) => self.hand_not_lent(&key, &lane, known, (why, who)),
            None => self.refuse_scan(&lane, known, why),
        }
    }

    fn sister_silent(&mut self, mut ask: SisterAsk) -> Reply {
        let when_apart = self.rules.sisters.get(&ask.sister).map(|rules| rules.when_apart);
        if when_apart != Some(WhenApart::Admit) {
            (ask.state, ask.due) = (AskState::Unused, None);
            return self.not_lent(ask, NotAdmitted::Apart);
        }
        (ask.state, ask.alone, ask.due) = (AskState::Alone, true, Some(self.now + LOOK));
        self.record(Change::SisterAsk(ask.clone()));
        if ask.hand.is_some() {
            return self.let_in_hand_ask(ask);
        }
        let answer = self.scanned_here(&ask.lane, ask.shown);
        // One that has to be looked up first is decided by what is found.
        if answer.is_err() {
            self.drop_if_idle(ask.id);
        }
        answer
    }

    /// Its patience is over, or it is time to see whether anybody still waits for it.
    pub(super) fn ask_due(&mut self, id: AskId) {
        let Some(mut ask) = self.sister_ask(id).cloned() else { return };
        match ask.state {
            AskState::Asked => drop(self.sister_silent(ask)),
            AskState::Lent | AskState::Alone if ask.admission.is_none() => {
                ask.due = Some(self.now + LOOK);
                self.record(Change::SisterAsk(ask));
                self.drop_if_idle(id);
            }
            AskState::Refused => {
                (ask.due, ask.over_at) = (None, Some(self.now));
                self.record(Change::SisterAsk(ask));
            }
            _ => {
                ask.due = None;
                self.record(Change::SisterAsk(ask));
            }
        }
    }

    // ---- what became of it -----------------------------------------------------------------------

    /// Somebody on a sister's ticket is on the way.
    pub(super) fn lent_to(&mut self, ticket: TicketId, lane: &LaneId, admission: AdmissionId) {
        let Some((sister, _)) = self.home_of(ticket) else { return };
        let Some(zone) = self.rules.gates.get(lane).map(|rules| rules.zone.clone()) else { return };
        let shown = self.ticket(ticket).map(|ticket| Presented::Code(ticket.digest));
        let alone = |shown| {
            let ask = self.new_ask((sister, ticket), (lane.clone(), zone), shown);
            SisterAsk { state: AskState::Alone, alone: true, ..ask }
        };
        let pending = self.pending(lane, ticket).cloned();
        let Some(ask) = pending.or_else(|| shown.map(alone)) else { return };
        self.record(Change::SisterAsk(SisterAsk { admission: Some(admission), due: None, ..ask }));
    }

    /// Somebody on a sister's ticket went, or did not; what nobody knows stays with the home.
    pub(super) fn ended_for_sister(
        &mut self,
        admission: &crate::core::ticket::Admission,
        state: AdmissionState,
    ) {
        let Some(ticket) = admission.ticket.filter(|ticket| self.is_a_sisters(*ticket)) else {
            return;
        };
        let ask = self.sister_asks().find(|ask| ask.admission == Some(admission.id)).cloned();
        let ask = match (ask, &admission.zone, self.home_of(ticket)) {
            (Some(ask), ..) => ask,
            // Who went out was not asked about.
            (None, Some(zone), Some((sister, _)))
                if admission.way == Way::Out && state == AdmissionState::Used =>
            {
                let shown = self.ticket(ticket).map(|ticket| Presented::Code(ticket.digest));
                let Some(shown) = shown else { return };
                let at = (admission.lane.clone(), zone.clone());
                let ask = self.new_ask((sister, ticket), at, shown);
                SisterAsk { way: Way::Out, admission: Some(admission.id), alone: true, ..ask }
            }
            _ => return,
        };
        let (went_at, again) = (Some(self.now), admission.again);
        match state {
            AdmissionState::Used => {
                let state = AskState::Used;
                self.tell_sister(SisterAsk { state, went_at, again, due: None, ..ask });
            }
            AdmissionState::GivenBack => {
                self.tell_sister(SisterAsk { state: AskState::Unused, due: None, ..ask });
            }
            AdmissionState::Granted | AdmissionState::Unsure => {}
        }
    }

    pub(super) fn tell_sister(&mut self, ask: SisterAsk) {
        let (sister, to_tell) = (ask.sister, ask.state.is_to_tell());
        self.record(Change::SisterAsk(ask));
        if to_tell {
            self.act(Effect::TellSister { sister });
        }
    }

    /// The home knows what became of these persons; of `doubles` it says that they came in there, too.
    pub(super) fn sister_took(&mut self, asks: &[AskId], doubles: &[AskId]) -> Reply {
        for id in asks {
            let Some(ask) = self.sister_ask(*id).cloned() else { continue };
            if !ask.state.is_to_tell() {
                continue;
            }
            let double = doubles.contains(id);
            if double {
                let sister = self.sister_name(ask.sister);
                let about = About::AdmittedTwice { ticket: ask.ticket, sister };
                self.ask_person(about, Some(&ask.lane), None);
            }
            let (due, over_at) = (None, Some(self.now));
            self.record(Change::SisterAsk(SisterAsk { due, double, over_at, ..ask }));
        }
        Ok(Answer::Done)
    }

    pub(super) fn sister_name(&self, id: u8) -> String {
        let rules = self.rules.sisters.get(&id);
        rules.map_or_else(|| id.to_string(), |rules| rules.name.clone())
    }

    // ---- there or not ----------------------------------------------------------------------------

    pub(super) fn sister_heard(&mut self, id: u8) -> Reply {
        let Some(mut sister) = self.sister(id).cloned().filter(|s| s.apart_since.is_some()) else {
            return Ok(Answer::Duplicate);
        };
        (sister.apart_since, sister.due) = (None, None);
        self.record(Change::Sister(sister));
        self.clear(&self.sister_name(id), AlarmKind::SisterApart);
        Ok(Answer::Done)
    }

    pub(super) fn sister_lost(&mut self, id: u8, why: String) -> Reply {
        if !self.rules.sisters.contains_key(&id) {
            return Err(Refusal::NoSister(id));
        }
        let mut sister = self.sister(id).cloned().unwrap_or_else(|| Sister::new(id));
        if sister.apart_since.is_some() {
            return Ok(Answer::Duplicate);
        }
        (sister.apart_since, sister.due) = (Some(self.now), Some(self.now + UNSURE));
        self.record(Change::Sister(sister));
        self.raise(&self.sister_name(id), AlarmKind::SisterApart, why);
        Ok(Answer::Done)
    }

    /// After a start nobody stands before a gate any more whose ticket is being asked about. An alarm of a sister that
    /// the site file names no more is over.
    pub(super) fn sisters_anew(&mut self) {
        let asked: Vec<_> =
            self.state.asks.values().filter(|a| a.state == AskState::Asked).cloned().collect();
        for ask in asked {
            self.tell_sister(SisterAsk { state: AskState::Unused, due: None, ..ask });
        }
        let idle = self.state.asks.values().filter(|ask| ask.admission.is_none());
        let idle: Vec<_> = idle.map(|ask| ask.id).collect();
        idle.into_iter().for_each(|ask| self.drop_if_idle(ask));
        let gone = self.state.alarms.keys().filter(|(subject, kind)| {
            let known = self.rules.sisters.values().any(|sister| sister.name == *subject);
            *kind == AlarmKind::SisterApart && !known
        });
        let gone: Vec<_> = gone.map(|(subject, _)| subject.clone()).collect();
        gone.iter().for_each(|subject| self.clear(subject, AlarmKind::SisterApart));
    }
}

/// A sister's ticket as it is kept here: what was paid for it is in the sister's books.
pub(super) fn copy(ticket: Ticket) -> Ticket {
    Ticket { sold: None, ..ticket }
}
