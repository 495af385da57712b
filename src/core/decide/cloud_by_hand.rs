//! A code of somebody else's cloud checked by staff where no turnstile stands: the cloud is asked and waited for as at a
//! gate, and told once they went. Knows no wire.

use std::time::Duration;

use super::Desk;
use crate::{
    core::{
        change::Change,
        cloud::{CloudPass, CloudState, HandAsked},
        gate::Way,
        input::{Answer, HandCheck, Refusal, Reply},
        presented::Presented,
        ticket::NotAdmitted,
    },
    types::{ChannelId, CodeDigest, LaneId, TicketId},
};

/// A no is told again to whoever asks by the same number within this.
const TOLD: Duration = Duration::from_mins(2);

impl Desk<'_> {
    /// As [`Desk::checked_by_hand`]; [`Answer::Asked`]: the same again tells what the cloud said.
    pub(super) fn cloud_checked_by_hand(
        &mut self,
        asked: &HandCheck,
        cloud: ChannelId,
        digest: CodeDigest,
        sealed: String,
    ) -> Reply {
        let known = asked.found.is_some() || self.ticket_of(&digest).is_some();
        let lane = self.lane_by_hand(&asked.zone)?;
        if known || asked.way == Way::Out || !self.rules.clouds.contains_key(&cloud) {
            return self.checked_by_hand(asked);
        }
        match self.cloud_pass_of(digest) {
            Some(pass) if pass.hand.as_ref().is_some_and(|hand| hand.key == asked.key) => {
                return pass
                    .no
                    .map_or(Ok(Answer::Asked), |why| Err(Refusal::NotAdmitted(lane, why)));
            }
            // Somebody else is asking about it.
            Some(pass) if pass.no.is_none() => {
                return Err(Refusal::NotAdmitted(lane, NotAdmitted::Unchecked));
            }
            _ => {}
        }
        if self.is_checked(&asked.key) {
            return self.checked_by_hand(asked);
        }
        let patience = self.rules.clouds.get(&cloud).map(|rules| rules.patience);
        let due = Some(self.now + patience.unwrap_or_default());
        let HandCheck { key, zone, persons, who, .. } = asked.clone();
        let hand = Some(HandAsked { key, zone, persons, who });
        let pass = self.new_cloud_pass(cloud, (digest, sealed), lane);
        self.ask_cloud(CloudPass { state: CloudState::Checking, due, hand, ..pass });
        Ok(Answer::Asked)
    }

    /// One that is being asked about, or that was said no to a moment ago; the latest.
    fn cloud_pass_of(&self, digest: CodeDigest) -> Option<&CloudPass> {
        let mut all = self.state.clouds.values().rev();
        all.find(|pass| {
            pass.digest == digest
                && (pass.no.is_some()
                    || matches!(pass.state, CloudState::Looking | CloudState::Checking))
        })
    }

    /// The cloud says yes, or the site does while it is silent.
    pub(super) fn let_in_hand_of_cloud(
        &mut self,
        lane: &LaneId,
        hand: HandAsked,
        ticket: TicketId,
    ) -> Reply {
        let HandAsked { key, zone, persons, who } = hand;
        let (way, shown) = (Way::In, Presented::Ticket(ticket));
        let asked = HandCheck { key, zone, way, shown, found: None, persons, who };
        self.let_in_checked(&asked, lane).map(|()| Answer::Done).or_else(|why| {
            self.refuse_hand_ask(&asked.key, lane, Some(ticket), (why, Some(asked.who.clone())))
        })
    }

    pub(super) fn refuse_hand_of_cloud(&mut self, pass: CloudPass, why: NotAdmitted) -> Reply {
        let Some(hand) = pass.hand.clone() else { return Ok(Answer::Duplicate) };
        let (lane, due) = (pass.lane.clone(), Some(self.now + TOLD));
        let (state, no) = (CloudState::No, Some(why));
        self.record(Change::CloudPass(CloudPass { state, due, no, ..pass }));
        self.refuse_hand_ask(&hand.key, &lane, None, (why, Some(hand.who)))
    }
}
