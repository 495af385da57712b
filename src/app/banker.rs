//! Carries the core's questions to the bank and its words back, by answer or by notification. Decides nothing.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use metrics::counter;
use tracing::{info, warn};

use super::{App, Busy};
use crate::{
    bank::{About, Channel, Letter, NotifyReply, SignAsk, SignForm, is_same_path},
    core::{
        AlarmKind, Input, State,
        input::{Asked, Refusal},
    },
    crash_point::{self, Step},
    store::Reader,
    types::{
        ChannelId, Plate, RefundId, StayId,
        bank::{AgreementAsk, AgreementWord, Ask, Departure, PayWay, Word},
    },
};

/// The site's contracts with banks, by their names.
pub type Channels = Arc<BTreeMap<ChannelId, Arc<dyn Channel>>>;

#[derive(Clone)]
pub struct Banker {
    app: App,
    records: Reader,
    channels: Channels,
    /// By payment number: what is asked after the answer that is awaited. Questions about one payment go one after
    /// the other, so that what is said after a reversal was asked after it.
    waiting: Arc<Mutex<HashMap<String, VecDeque<Ask>>>>,
    /// Veils payers.
    site_secret: [u8; 32],
}

impl Banker {
    pub fn new(app: App, records: Reader, channels: Channels, site_secret: [u8; 32]) -> Self {
        Self { app, records, channels, waiting: Arc::default(), site_secret }
    }

    /// The word as it may be written down: without the bank's number of whoever paid.
    fn veiled(&self, mut word: Word) -> Word {
        if let Word::Paid { payer: Some(payer), .. } = &mut word {
            *payer = payer.veiled(&self.site_secret);
        }
        word
    }

    /// Asks in a task of its own; each word comes back as an input.
    pub fn ask(&self, channel: ChannelId, ask: Ask) {
        let trade = ask.out_trade_no().to_owned();
        if let Some(waiting) = self.waiting().get_mut(&trade) {
            // The same question is not asked twice over.
            if !waiting.contains(&ask) {
                waiting.push_back(ask);
            }
            return;
        }
        self.waiting().insert(trade.clone(), VecDeque::from([ask]));
        let banker = self.clone();
        tokio::spawn(async move {
            while let Some(ask) = banker.next_of(&trade) {
                let (to, word) = (asked(&ask), banker.word(&channel, &ask).await);
                let input = Input::BankSaid { out_trade_no: trade.clone(), to, word };
                if banker.app.submit(input, None).await.is_err() {
                    return;
                }
            }
        });
    }

    /// The next question about a payment; with none left, the payment is forgotten here.
    fn next_of(&self, trade: &str) -> Option<Ask> {
        let mut waiting = self.waiting();
        let next = waiting.get_mut(trade).and_then(VecDeque::pop_front);
        if next.is_none() {
            waiting.remove(trade);
        }
        next
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Ask>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn ask_refund(&self, refund: RefundId, channel: ChannelId, ask: Ask) {
        let banker = self.clone();
        tokio::spawn(async move {
            let word = banker.word(&channel, &ask).await;
            let _ = banker.app.submit(Input::RefundSaid { refund, word }, None).await;
        });
    }

    /// Asks whether something is bound to a stay's plate. Never blocks; one answer comes back as an input.
    pub fn ask_agreement(&self, stay: StayId, channel: ChannelId, ask: AgreementAsk) {
        let banker = self.clone();
        tokio::spawn(async move {
            let at_exit = ask.amount.is_some();
            crash_point::at(Step::BeforeAsk, "agreement");
            let word = match banker.channels.get(&channel) {
                Some(bank) => bank.agreement(&ask).await,
                None => AgreementWord::None { why: format!("this site has no channel {channel}") },
            };
            crash_point::at(Step::Answered, "agreement");
            let asked = if at_exit { "exit" } else { "entry" };
            counter!(
                "paifang_bank_agreements_total",
                "channel" => channel.to_string(), "asked" => asked, "word" => word.name()
            )
            .increment(1);
            let input = Input::AgreementSaid { stay, channel, at_exit, word };
            let _ = banker.app.submit(input, None).await;
        });
    }

    async fn word(&self, channel: &ChannelId, ask: &Ask) -> Word {
        counter!("paifang_bank_asks_total", "ask" => ask.name(), "channel" => channel.to_string())
            .increment(1);
        crash_point::at(Step::BeforeAsk, ask.name());
        let word = match self.channels.get(channel) {
            Some(channel) => channel.ask(ask).await,
            None => Word::Refused {
                code: "no channel".into(),
                why: format!(
                    "this site has no bank channel {channel}; set [bank.*] in the site file"
                ),
            },
        };
        crash_point::at(Step::Answered, ask.name());
        self.veiled(word)
    }

    /// Whether some bank takes fees from what is bound to a plate.
    pub fn collects_by_plate(&self) -> bool {
        self.channels.values().any(|bank| bank.capabilities().ways.contains(&PayWay::Plate))
    }

    /// Whether some bank can be told to end what is bound to a plate.
    pub fn ends_agreements(&self) -> bool {
        self.channels.values().any(|bank| bank.ends_agreements())
    }

    /// Tells each bank that can to end what is bound to the plate, and what each answered; a stay inside hears it, too.
    pub async fn end_agreement(&self, plate: Plate) -> Vec<(ChannelId, AgreementWord)> {
        let wanted = plate.clone();
        let inside = self.app.read(move |state| {
            let mut stays = state.stays.values().rev();
            stays.find(|stay| stay.plate == wanted && stay.state.is_open()).cloned()
        });
        let Ok(inside) = inside.await else { return Vec::new() };
        let ask = AgreementAsk {
            plate,
            colour: inside.as_ref().and_then(|stay| stay.vehicle.colour),
            stay_no: inside.as_ref().map(|stay| stay.id.to_string()).unwrap_or_default(),
            entered_at: inside.as_ref().map_or_else(|| self.app.now(), |stay| stay.entered_at),
            amount: None,
            known: None,
        };
        let mut words = Vec::new();
        for (id, bank) in self.channels.iter().filter(|(_, bank)| bank.ends_agreements()) {
            let word = bank.end_agreement(&ask).await;
            if let Some(stay) = &inside {
                let (stay, channel, word) = (stay.id, id.clone(), word.clone());
                let said = Input::AgreementSaid { stay, channel, at_exit: false, word };
                let _ = self.app.tell(said).await;
            }
            words.push((id.clone(), word));
        }
        words
    }

    /// The way to each bank that binds a card to a plate by a form.
    pub fn sign_forms(&self, ask: &SignAsk) -> Vec<(ChannelId, SignForm)> {
        let forms = self.channels.iter();
        forms.filter_map(|(id, bank)| Some((id.clone(), bank.sign_form(ask)?))).collect()
    }

    /// The paths on which banks are to notify.
    pub fn notify_paths(&self) -> Vec<String> {
        let telling = self.channels.values().filter(|bank| bank.capabilities().notifies);
        telling.filter_map(|bank| bank.notify_path().map(str::to_owned)).collect()
    }

    /// A vehicle has left that the channel was told of. Never blocks; told once, as nothing depends on it.
    pub fn tell_left(&self, channel: ChannelId, left: Departure) {
        let Some(bank) = self.channels.get(&channel).cloned() else { return };
        tokio::spawn(async move {
            let told = bank.left(&left).await;
            let taken = if told.is_ok() { "yes" } else { "no" };
            counter!("paifang_bank_departures_total", "channel" => channel.to_string(), "taken" => taken)
                .increment(1);
            if let Err(why) = told {
                warn!(%channel, stay_no = left.stay_no, why, "a departure was not taken note of");
            }
        });
    }

    /// A notification came: verified, decided and on disk before the bank is told so.
    /// `None`: no answer now; the bank will tell again.
    pub async fn notified(&self, letter: &Letter<'_>) -> Option<NotifyReply> {
        let is_its = |channel: &Arc<dyn Channel>| {
            channel.notify_path().is_some_and(|known| is_same_path(known, letter.path))
        };
        let (id, channel) = self.channels.iter().find(|(_, channel)| is_its(channel))?;
        let heard = channel.notification(letter);
        match &heard {
            Ok(notification) => {
                counter!("paifang_bank_notifications_total", "verified" => "yes").increment(1);
                crash_point::at(Step::Notified, "");
                if self.act_on(id, &notification.about).await.is_err() {
                    return None;
                }
                crash_point::at(Step::NoticeTaken, "");
            }
            Err(why) => {
                counter!("paifang_bank_notifications_total", "verified" => "no").increment(1);
                warn!(%why, "a notification was not believed");
            }
        }
        Some(channel.notify_reply(heard.as_ref()))
    }

    async fn act_on(&self, id: &ChannelId, about: &About) -> Result<(), Busy> {
        match about {
            About::Payment { out_trade_no, word } => {
                self.place(out_trade_no, &self.veiled(word.clone()), Asked::Notified).await
            }
            About::Stay { stay_no, word } => {
                let number = stay_no.rsplit_once('S').and_then(|(_, number)| number.parse().ok());
                let Some(stay) = number.map(StayId) else {
                    warn!(stay_no, "the bank speaks of a stay nobody here knows");
                    return Ok(());
                };
                let (channel, word) = (id.clone(), word.clone());
                // A stay that is over is not charged any more, whatever is said of it.
                let said = Input::AgreementSaid { stay, channel, at_exit: false, word };
                self.app.tell(said).await.map(drop)
            }
            About::Agreement { plate, number, shape } => {
                info!(channel = %id, shape, "the bank tells something of an agreement");
                let plates = match (plate, number) {
                    (Some(plate), _) => vec![plate.clone()],
                    (None, Some(number)) => self.named(id, number).await?,
                    (None, None) => Vec::new(),
                };
                for plate in plates {
                    // Whatever becomes of it, the bank has been heard.
                    let _ = self.app.tell(Input::AgreementMade { plate }).await?;
                }
                Ok(())
            }
            About::Nothing { what } => {
                info!(channel = %id, what, "the bank tells what nobody here acts on");
                Ok(())
            }
        }
    }

    /// Vehicles inside whose agreement has this number at a channel.
    async fn named(&self, id: &ChannelId, number: &str) -> Result<Vec<Plate>, Busy> {
        let Some(channel) = self.channels.get(id).cloned() else { return Ok(Vec::new()) };
        let plates = |state: &State| state.stays.values().map(|stay| stay.plate.clone()).collect();
        let mut inside: Vec<Plate> = self.app.read(plates).await?;
        inside.retain(|plate| channel.is_named(number, plate));
        Ok(inside)
    }

    /// A statement has a payment that we gave up: said as an answer to a question, since a statement is later than all.
    pub(super) async fn found(&self, out_trade_no: &str, word: &Word) -> Result<(), Busy> {
        self.place(out_trade_no, word, Asked::Query).await
    }

    /// Tells the core; a payment that was filed away is fetched from the tables first.
    async fn place(&self, out_trade_no: &str, word: &Word, to: Asked) -> Result<(), Busy> {
        let said =
            || Input::BankSaid { out_trade_no: out_trade_no.to_owned(), to, word: word.clone() };
        let trade = out_trade_no.to_owned();
        let watched = self.app.read(move |state| state.payment_of(&trade).is_some()).await?;
        if !watched {
            // What is decided so far is on disk once this has been answered.
            let nothing = Input::Well { subject: String::new(), kind: AlarmKind::BankSilent };
            let _ = self.app.tell(nothing).await?;
            match self.records.recall(out_trade_no).await {
                Ok(Some((payment, order))) => {
                    info!(out_trade_no, "the bank speaks again of a payment that was filed");
                    let _ = self.app.tell(Input::Recalled { payment, order }).await?;
                }
                Ok(None) => warn!(out_trade_no, "the bank speaks of a payment nobody here knows"),
                Err(trouble) => {
                    warn!(%trouble, out_trade_no, "the payment cannot be looked up now");
                    return Err(Busy::Full);
                }
            }
        }
        match self.app.tell(said()).await? {
            Ok(_) | Err(Refusal::NoPayment(_)) => Ok(()),
            Err(refusal) => {
                warn!(%refusal, out_trade_no, "the bank's word does not fit");
                Ok(())
            }
        }
    }
}

fn asked(ask: &Ask) -> Asked {
    match ask {
        Ask::Generate { .. } | Ask::Collect { .. } | Ask::Charge { .. } => Asked::Generate,
        Ask::Query { .. } | Ask::Refund { .. } | Ask::RefundQuery { .. } => Asked::Query,
        Ask::Reverse { .. } => Asked::Reverse,
    }
}

impl std::fmt::Debug for Banker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Banker").field("channels", &self.channels).finish_non_exhaustive()
    }
}
