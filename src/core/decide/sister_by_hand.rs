//! A sister daemon's ticket checked by staff where no turnstile stands. Each person of a group is asked for by itself; all
//! of them go in, or none. Knows no wire.

use super::Desk;
use crate::{
    core::{
        gate::Way,
        input::{Answer, HandCheck, Refusal, Reply},
        presented::Presented,
        sister::{AskState, SisterAsk, WhenApart},
        ticket::{Again, NotAdmitted, Ticket},
    },
    types::{LaneId, TicketId, ZoneId},
};

/// More at once would be as many questions.
const GROUP_MAX: u32 = 60;

impl Desk<'_> {
    /// `None`: it is decided here and now. `decided`: the same check was answered before.
    pub(super) fn hand_at_home(
        &mut self,
        asked: &HandCheck,
        lane: &LaneId,
        decided: bool,
    ) -> Option<Reply> {
        if asked.way == Way::Out {
            return None;
        }
        let refused = |why| Some(Err(Refusal::NotAdmitted(lane.clone(), why)));
        let (mut waits, mut no) = (false, None);
        for ask in self.hand_asks(&asked.key) {
            waits |= matches!(ask.state, AskState::Asked);
            no = no.or(ask.why);
        }
        match no {
            Some(why) => return refused(why),
            None if waits => return Some(Ok(Answer::Asked)),
            None if decided => return None,
            None => {}
        }
        let ticket = match &asked.shown {
            Presented::Signed(claims, ..) => claims.ticket,
            Presented::Code(digest) => {
                let found = asked.found.as_ref().map(|ticket| ticket.id);
                self.ticket_of(digest).map(|ticket| ticket.id).or(found)?
            }
            Presented::Ticket(id) => *id,
            Presented::Person(_) | Presented::Bad(_) => return None,
        };
        let Some((sister, rules)) = self.home_of(ticket) else {
            let shut = self.rules.tickets.is_own(ticket) && self.refuses_apart();
            return if shut { refused(NotAdmitted::Apart) } else { None };
        };
        let (patience, when_apart) = (rules.patience, rules.when_apart);
        if self.is_apart(sister) {
            return if when_apart == WhenApart::Admit { None } else { refused(NotAdmitted::Apart) };
        }
        if asked.persons > GROUP_MAX {
            return refused(NotAdmitted::Unchecked);
        }
        for _ in 0..asked.persons.max(1) {
            let at = (lane.clone(), asked.zone.clone());
            let ask = self.new_ask((sister, ticket), at, asked.shown);
            let (due, hand) = (Some(self.now + patience), Some(asked.key.clone()));
            self.ask_sister(SisterAsk { due, hand, who: Some(asked.who.clone()), ..ask });
        }
        Some(Ok(Answer::Asked))
    }

    /// One for each person of a check.
    fn hand_asks<'d>(&'d self, key: &str) -> impl Iterator<Item = &'d SisterAsk> {
        self.sister_asks().filter(move |ask| ask.hand.as_deref() == Some(key))
    }

    /// Another person of the check is kept at home, or is let in without.
    pub(super) fn let_in_hand_ask(&mut self, ask: SisterAsk) -> Reply {
        let key = ask.hand.clone().unwrap_or_default();
        let group: Vec<_> = self.hand_asks(&key).map(|one| (one.state, one.why)).collect();
        if let Some(why) = group.iter().find_map(|(_, why)| *why) {
            // Another person of it was refused: this one does not go either.
            let (state, due) = (AskState::Unused, None);
            return self.not_lent(SisterAsk { state, due, ..ask }, why);
        }
        if group.iter().any(|(state, _)| *state == AskState::Asked) {
            return Ok(Answer::Asked);
        }
        let asked = HandCheck {
            key,
            zone: ask.zone.clone(),
            way: Way::In,
            shown: ask.shown,
            found: None,
            persons: group.len() as u32,
            who: ask.who.clone().unwrap_or_default(),
        };
        match self.let_in_checked(&asked, &ask.lane) {
            Ok(()) => Ok(Answer::Done),
            Err(why) => {
                let (state, due) = (AskState::Unused, None);
                self.not_lent(SisterAsk { state, due, ..ask }, why)
            }
        }
    }

    /// One person of it is not let in: nor are the others, and whom the home keeps is given back.
    pub(super) fn hand_not_lent(
        &mut self,
        key: &str,
        lane: &LaneId,
        ticket: Option<TicketId>,
        (why, who): (NotAdmitted, Option<String>),
    ) -> Reply {
        let kept = |ask: &&SisterAsk| matches!(ask.state, AskState::Lent | AskState::Alone);
        let kept: Vec<_> = self.hand_asks(key).filter(kept).cloned().collect();
        for ask in kept {
            let (state, due) = (AskState::Unused, None);
            self.tell_sister(SisterAsk { state, due, ..ask });
        }
        if self.is_checked(key) {
            return Err(Refusal::NotAdmitted(lane.clone(), why));
        }
        self.refuse_hand_ask(key, lane, ticket, (why, who))
    }

    /// As the home knew it before it kept the first of them, whichever answer came first.
    pub(super) fn with_fewest_held(&self, ask: &SisterAsk, mut ticket: Ticket) -> Ticket {
        let Some(key) = &ask.hand else { return ticket };
        let is_lent = |one: &SisterAsk| one.state == AskState::Lent;
        let before = self.ticket(ticket.id).filter(|_| self.hand_asks(key).any(is_lent));
        let Some(before) = before else { return ticket };
        ticket.held = ticket.held.min(before.held);
        for area in &mut ticket.areas {
            let same = before.areas.iter().find(|other| other.zone == area.zone);
            area.held = same.map_or(area.held, |other| area.held.min(other.held));
        }
        ticket
    }

    /// As [`Self::lent_to`] and [`Self::ended_for_sister`] in one, since who is checked by hand has gone.
    pub(super) fn told_by_hand(
        &mut self,
        ticket: TicketId,
        (lane, zone, way): (&LaneId, &ZoneId, Way),
        again: Again,
    ) {
        let Some((sister, _)) = self.home_of(ticket) else { return };
        let pending = self.pending(lane, ticket).filter(|_| way == Way::In).cloned();
        let shown = self.ticket(ticket).map(|ticket| Presented::Code(ticket.digest));
        let alone = |shown| {
            let ask = self.new_ask((sister, ticket), (lane.clone(), zone.clone()), shown);
            SisterAsk { alone: true, way, ..ask }
        };
        let Some(ask) = pending.or_else(|| shown.map(alone)) else { return };
        let (state, went_at) = (AskState::Used, Some(self.now));
        self.tell_sister(SisterAsk { state, went_at, again, due: None, ..ask });
    }
}
