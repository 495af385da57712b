//! Settlement days posted: fees and partners' parts reckoned of the tables and told to the core, parts that a bank relays
//! asked of it. Decides whose part is how much by the rules alone.

use std::collections::{BTreeMap, HashMap};

use jiff::{Timestamp, civil::Date};
use tracing::{info, warn};

use super::settling::Settling;
use crate::{
    bank::{ShareAsk, ShareWord},
    config::{CASH, Shares},
    core::{
        AlarmKind, Input, Refusal,
        settle::{SettleAct, Settled, SettledDay},
        shares::{Share, ShareBook, Tally, Whole, spread},
    },
    http::ports::DaySettled,
    store::{Flow, Relay, StoreError},
    types::{ChannelId, Money, PartnerId, ZoneId},
};

/// Steps of the ledger fetched at once.
const FLOWS_STEP: u32 = 2_000;
/// Relays asked in one look, and silences in a row after which the bank is left alone until the next.
const RELAYS_MAX: u32 = 200;
const SILENCES_MAX: u32 = 3;

/// Why a day could not be settled.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsettled {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Busy(#[from] super::Busy),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("{0} is no day of this calendar")]
    NoDay(Date),
}

/// One step of a payment, as far as the bank may relay it.
struct Step {
    flow: Flow,
    nth: usize,
    partner: PartnerId,
    minor: i64,
}

impl Settling {
    /// Posts what is known of a day, channel by channel.
    pub(super) async fn settle_day(
        &self,
        day: Date,
        who: &str,
    ) -> Result<Vec<DaySettled>, Unsettled> {
        let reader = self.office.books.reader();
        let files = reader.statements(day, day).await?;
        let open = reader.differences(day, day, true, u32::MAX).await?;
        let mut settled = Vec::new();
        for channel in self.office.channels.keys() {
            let file = files.iter().find(|file| file.channel == *channel);
            let fees_minor = file.map(|file| file.fee_minor);
            let shares = match fees_minor {
                Some(minor) => self.settle_channel(channel, day, minor, who).await?,
                None => Vec::new(),
            };
            settled.push(DaySettled {
                channel: channel.to_string(),
                fees_minor,
                open: open.iter().filter(|one| one.channel == *channel).count() as i64,
                shares: parts(&shares),
            });
        }
        if let Some(shares) = &self.shares
            && day < self.today(self.app.now())
        {
            let channel = cash();
            let shares = self.share(shares, &channel, day, who).await?;
            let (channel, shares) = (channel.to_string(), parts(&shares));
            settled.push(DaySettled { channel, fees_minor: Some(0), open: 0, shares });
        }
        Ok(settled)
    }

    /// The bank has kept so much of a channel's day; what is left is shared.
    pub(super) async fn settle_channel(
        &self,
        channel: &ChannelId,
        day: Date,
        fees_minor: i64,
        who: &str,
    ) -> Result<Vec<Share>, Unsettled> {
        self.say(channel, day, who, SettleAct::Fees { minor: fees_minor }).await?;
        match &self.shares {
            Some(shares) => self.share(shares, channel, day, who).await,
            None => Ok(Vec::new()),
        }
    }

    async fn say(
        &self,
        channel: &ChannelId,
        day: Date,
        who: &str,
        act: SettleAct,
    ) -> Result<(), Unsettled> {
        let id = SettledDay { channel: channel.clone(), day };
        self.app.tell(Input::Settle { day: id, who: who.to_owned(), act }).await??;
        Ok(())
    }

    /// Days of a channel as they stand in the ledger.
    async fn days(&self, channel: &ChannelId) -> Result<HashMap<Date, Settled>, Unsettled> {
        let channel = channel.clone();
        let days = self.app.read(move |state| {
            let of = state.settled.values().filter(|settled| settled.id.channel == channel);
            of.map(|settled| (settled.id.day, settled.clone())).collect()
        });
        Ok(days.await?)
    }

    // ---- whose part is how much --------------------------------------------------------------------

    /// Reckons a day's shares of what the ledger says and posts what is new of them.
    pub(super) async fn share(
        &self,
        shares: &Shares,
        channel: &ChannelId,
        day: Date,
        who: &str,
    ) -> Result<Vec<Share>, Unsettled> {
        let (rules, zone) = (&self.office.rules, &self.office.zone);
        let (from, to) = rules.bounds(day, zone).ok_or(Unsettled::NoDay(day))?;
        let days = self.days(channel).await?;
        let known = days.get(&day).and_then(|settled| settled.book.clone());
        let book = known.unwrap_or_else(|| shares.book.clone());
        let (mut tally, mut steps) = (Tally::default(), Vec::new());
        let reader = self.office.books.reader();
        let (mut after, last) = reader.ledger_span(from, to).await?;
        let mut any = false;
        while after < last {
            let flows = reader.share_flows(channel, after, last, FLOWS_STEP).await?;
            let Some(end) = flows.last().map(|flow| flow.txn) else { break };
            any = true;
            for flow in flows {
                let paid_on = Timestamp::from_millisecond(flow.paid_at_ms)
                    .map_or(day, |at| rules.day_of(at, zone));
                // What came on an earlier day goes back by the rules of that day; by none, if none were kept.
                let earlier = days.get(&paid_on).and_then(|settled| settled.book.as_ref());
                let bare = ShareBook { rules: Vec::new(), ..book.clone() };
                let by = if paid_on == day { &book } else { earlier.unwrap_or(&bare) };
                steps.extend(taken(shares, &mut tally, by, channel, &flow));
            }
            after = end;
            tokio::task::yield_now().await;
        }
        if !any && !days.contains_key(&day) {
            return Ok(Vec::new());
        }
        let fee = days.get(&day).map_or(0, |settled| settled.fees.minor);
        let parts = tally.shares(fee, &book.remainder);
        let act = SettleAct::Shares { book, shares: parts.clone() };
        self.say(channel, day, who, act).await?;
        self.plan_relays(channel, day, &parts, steps).await?;
        Ok(parts)
    }

    // ---- what the bank relays ----------------------------------------------------------------------

    /// Puts down what the bank is to relay. A partner's part of the fee comes off what it is given, so that all of it adds
    /// up to its share.
    async fn plan_relays(
        &self,
        channel: &ChannelId,
        day: Date,
        shares: &[Share],
        steps: Vec<Step>,
    ) -> Result<(), Unsettled> {
        let mut by_partner: BTreeMap<PartnerId, Vec<Step>> = BTreeMap::new();
        for step in steps {
            by_partner.entry(step.partner.clone()).or_default().push(step);
        }
        let mut relays = Vec::new();
        for (partner, steps) in by_partner {
            let fee =
                shares.iter().find(|share| share.partner == partner).map_or(0, |s| s.fee_minor);
            let weights: Vec<i64> = steps.iter().map(|step| step.minor.max(0)).collect();
            let given: i64 = weights.iter().sum();
            let minors = spread((given - fee).max(0), &weights);
            for (step, minor) in steps.into_iter().zip(minors) {
                let Step { flow, nth, minor: gain, .. } = step;
                let given_number =
                    if gain < 0 { self.number(flow.first_txn, nth) } else { String::new() };
                let minor = if gain < 0 { -gain } else { minor };
                relays.push(Relay {
                    number: self.number(flow.txn, nth),
                    channel: channel.clone(),
                    day,
                    partner: partner.clone(),
                    out_trade_no: flow.out_trade_no,
                    bank_no: flow.bank_no,
                    paid_at_ms: flow.paid_at_ms,
                    given_number,
                    minor,
                    state: "waiting".to_owned(),
                    asks: 0,
                    detail: String::new(),
                    given_state: None,
                });
            }
        }
        relays.retain(|relay| relay.minor > 0);
        for some in relays.chunks(1_000) {
            self.office.books.put_relays(some, self.app.now()).await?;
        }
        Ok(())
    }

    /// Our number of one rule's part of one transaction, the same for ever.
    fn number(&self, txn: i64, nth: usize) -> String {
        format!("{}S{txn}N{nth}", self.trade_prefix)
    }

    /// Asks the banks about parts that wait, in turn, and tells the core what they have taken on.
    pub(super) async fn relay_some(&self) {
        let Some(shares) = &self.shares else { return };
        for channel in self.office.channels.keys() {
            if let Err(trouble) = self.relay_of(shares, channel).await {
                warn!(%trouble, %channel, "shares could not be relayed");
            }
        }
    }

    async fn relay_of(&self, shares: &Shares, channel: &ChannelId) -> Result<(), Unsettled> {
        let reader = self.office.books.reader();
        let waiting = reader.share_relays(channel, None, RELAYS_MAX).await?;
        let mut days: Vec<Date> = Vec::new();
        let mut silences = 0;
        for relay in waiting {
            let said = match (relay.given_number.as_str(), relay.given_state.as_deref()) {
                ("", _) | (_, Some("done")) => self.relay(shares, channel, &relay).await,
                (_, Some("waiting")) => continue,
                // Nothing was given, so nothing is taken back.
                _ => Some(("refused", "what it takes back of was not given by the bank".into())),
            };
            let Some((state, detail)) = said else { continue };
            silences = if state == "waiting" { silences + 1 } else { 0 };
            let (number, now) = (&relay.number, self.app.now());
            self.office.books.relay_said(number, (state, &detail), now).await?;
            if state != "waiting" && !days.contains(&relay.day) {
                days.push(relay.day);
            }
            if silences >= SILENCES_MAX {
                break;
            }
        }
        for day in days {
            for (partner, minor) in reader.share_relayed(channel, day).await? {
                self.say(channel, day, "daemon", SettleAct::Relayed { partner, minor }).await?;
            }
        }
        Ok(())
    }

    /// Asks once; what became of it, and why. `None`: this channel relays nothing.
    async fn relay(
        &self,
        shares: &Shares,
        channel: &ChannelId,
        relay: &Relay,
    ) -> Option<(&'static str, String)> {
        let bank = self.office.channels.get(channel)?;
        let partner = shares.partners.get(&relay.partner);
        let Some(account) = partner.and_then(|partner| partner.relay.get(channel)) else {
            return Some(("refused", "the partner has no account at this channel any more".into()));
        };
        let ask = ShareAsk {
            number: relay.number.clone(),
            out_trade_no: relay.out_trade_no.clone(),
            bank_no: relay.bank_no.clone(),
            paid_at: Timestamp::from_millisecond(relay.paid_at_ms).unwrap_or_default(),
            account: account.clone(),
            amount: Money::new(relay.minor, self.office.currency),
            given: Some(relay.given_number.clone()).filter(|number| !number.is_empty()),
        };
        match bank.share(&ask).await {
            ShareWord::Done => Some(("done", String::new())),
            ShareWord::Unknown { why } => {
                info!(number = relay.number, why, "no clear word about a share");
                Some(("waiting", why))
            }
            ShareWord::NotOffered => {
                Some(("refused", "the channel relays no shares; it is in the payment file".into()))
            }
            ShareWord::Refused { code, why } => {
                let detail = format!("{code} {why}");
                let alarm = Input::Trouble {
                    subject: channel.to_string(),
                    kind: AlarmKind::ShareRefused,
                    detail: format!("{} of {}: {detail}", ask.amount, relay.number),
                };
                let _ = self.app.tell(alarm).await;
                Some(("refused", detail))
            }
        }
    }
}

/// What is paid in cash, among the channels.
pub(super) fn cash() -> ChannelId {
    ChannelId::parse(CASH).unwrap_or_else(|| unreachable!("cash is a channel's name"))
}

fn parts(shares: &[Share]) -> Vec<(PartnerId, i64)> {
    shares.iter().map(|share| (share.partner.clone(), share.minor())).collect()
}

/// Adds one flow to a day's shares; gives the steps of it that the bank may relay.
fn taken(
    shares: &Shares,
    tally: &mut Tally,
    book: &ShareBook,
    channel: &ChannelId,
    flow: &Flow,
) -> Vec<Step> {
    let parts = match &flow.products {
        Some(products) if products.len() > 1 => {
            products.iter().map(|(name, minor)| (Some(name.clone()), *minor)).collect()
        }
        Some(products) if products.len() == 1 => {
            vec![(products.keys().next().cloned(), flow.whole_minor)]
        }
        _ => vec![(flow.product.clone(), flow.whole_minor)],
    };
    let zone = flow.zone.as_deref().and_then(ZoneId::parse);
    let cuts = book.cut(&Whole { channel: channel.clone(), zone, parts });
    let gains = tally.add(&cuts, flow.before_minor, flow.before_minor + flow.minor);
    let relayed = |partner: &PartnerId| {
        let known = shares.partners.get(partner);
        *partner != book.own && known.is_some_and(|one| one.relay.contains_key(channel))
    };
    let steps = cuts.iter().zip(gains).enumerate();
    let steps = steps.filter(|(_, (cut, minor))| *minor != 0 && relayed(&cut.partner));
    let step = |(nth, (cut, minor)): (usize, (&crate::core::shares::Cut, i64))| Step {
        flow: flow.clone(),
        nth,
        partner: cut.partner.clone(),
        minor,
    };
    steps.map(step).collect()
}

#[cfg(test)]
#[path = "sharing_tests.rs"]
mod tests;
