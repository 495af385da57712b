//! The way to one sister daemon: questions with a short patience, and an exchange each second or whenever something
//! waits, which is the heart-beat as well. Two that fail in a row: it is apart. Decides nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use reqwest::Client;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout, timeout_at},
};
use tracing::{info, warn};

use super::{
    envelope::{SEAL, Seal},
    wall_now,
};
use crate::{
    app::{App, Busy},
    config::SisterAt,
    core::{
        AlarmKind, Input,
        sister::{Report, SisterAsk, SisterNews, SisterQuestion, SisterWord},
    },
    store::Reader,
    types::AskId,
};

/// An exchange that takes longer has failed.
const EXCHANGE: Duration = Duration::from_secs(1);
const HEART_BEAT: Duration = Duration::from_secs(1);
/// Exchanges follow each other no closer than this, so that what happens at once goes together.
const THROTTLE: Duration = Duration::from_millis(25);
/// So many exchanges in a row fail before the two are apart.
const FAILURES: u32 = 2;
/// Of one exchange.
const REPORTS_MAX: usize = 200;
const TICKETS_MAX: u32 = 400;
/// Between two tries of a question whose connection broke.
const AGAIN: Duration = Duration::from_millis(20);
/// Clocks further apart are told.
const CLOCK_OFF_MS: i64 = 10_000;

#[derive(Debug)]
pub(super) struct Link {
    pub(super) own: u8,
    pub(super) at: SisterAt,
    pub(super) app: App,
    pub(super) reader: Reader,
    pub(super) client: Client,
    pub(super) wake: Notify,
    /// The sister's clock less ours.
    pub(super) offset_ms: AtomicI64,
}

/// What the sister says to news.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Taken {
    /// How far it knows our tickets.
    pub(super) seen: i64,
    pub(super) took: Vec<AskId>,
    pub(super) doubles: Vec<AskId>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum SisterFault {
    #[error("it did not answer in time")]
    Late,
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("its answer does not fit the secret; both need the same one in their secrets files")]
    Seal,
    #[error("the clocks of the two machines are too far apart")]
    Clock,
    #[error("it answered HTTP {0}")]
    Status(u16),
    #[error("its answer makes no sense; run the same version on both")]
    Nonsense,
    #[error("this daemon is stopping")]
    Stopping,
}

/// Where the exchange stands.
#[derive(Default)]
struct Course {
    /// How far the sister knows our tickets; `None`: not asked yet.
    seen: Option<i64>,
    /// How far our journal was looked through.
    looked: i64,
    anew: bool,
    failures: u32,
    /// Something was not taken yet: it is told again in a moment, not at once.
    later: bool,
    /// The core was told that it is heard, after all that waited to be told.
    heard: bool,
}

impl Link {
    /// Asks until the patience is over: a question may be asked again under its number.
    pub(super) async fn ask(&self, question: &SisterQuestion) -> Option<SisterWord> {
        let end = Instant::now() + self.at.patience;
        let asked = async {
            loop {
                match self.post("asked", question).await {
                    Ok(word) => return Some(word),
                    Err(SisterFault::Unreachable(_) | SisterFault::Status(_)) => sleep(AGAIN).await,
                    Err(why) => {
                        warn!(sister = self.at.name, %why, "a question was not answered");
                        return None;
                    }
                }
            }
        };
        timeout_at(end, asked).await.ok().flatten()
    }

    pub(super) async fn run(self: Arc<Self>) {
        let mut course = Course::default();
        let mut version = self.app.version();
        let mut told_at: Option<Instant> = None;
        loop {
            version.mark_unchanged();
            let Ok(news) = self.news(&mut course).await else { return };
            let has_news = !(news.reports.is_empty() && news.tickets.is_empty());
            let is_due = told_at.is_none_or(|at| at.elapsed() >= HEART_BEAT);
            if has_news || is_due {
                told_at = Some(Instant::now());
                if self.exchange(&mut course, &news).await.is_err() {
                    return;
                }
            }
            let more = has_news && course.failures == 0 && !course.later;
            sleep(THROTTLE).await;
            if !more {
                let changed = async {
                    tokio::select! {
                        () = self.wake.notified() => {}
                        // While it is apart, what happens here waits for the heart-beat.
                        Ok(()) = version.changed(), if course.failures == 0 => {}
                    }
                };
                let _ = timeout(HEART_BEAT, changed).await;
            }
        }
    }

    async fn exchange(&self, course: &mut Course, news: &SisterNews) -> Result<(), Busy> {
        let sister = self.at.issuer;
        let told = match timeout(EXCHANGE, self.post::<Taken>("told", news)).await {
            Ok(told) => told,
            Err(_) => Err(SisterFault::Late),
        };
        let taken = match told {
            Ok(taken) => taken,
            Err(why) => {
                course.failures = course.failures.saturating_add(1);
                // What it knows is asked anew.
                course.seen = None;
                if course.failures == FAILURES {
                    course.heard = false;
                    warn!(sister = self.at.name, %why, "the sister daemon is not heard");
                    let lost = Input::SisterLost { sister, why: why.to_string() };
                    self.app.submit(lost, None).await?;
                }
                return Ok(());
            }
        };
        if !taken.took.is_empty() {
            let Taken { took, doubles, .. } = taken.clone();
            self.app.submit(Input::SisterTook { asks: took, doubles }, None).await?;
        }
        self.known_so_far(course, news, &taken).await;
        course.failures = 0;
        course.later = taken.took.len() < news.reports.len();
        if !course.heard && news.reports.len() < REPORTS_MAX {
            course.heard = true;
            info!(sister = self.at.name, "the sister daemon is heard");
            self.app.submit(Input::SisterHeard { sister }, None).await?;
            self.tell_of_clock().await?;
        }
        Ok(())
    }

    /// After a restore our journal may be shorter than what the sister has seen of the one before.
    async fn known_so_far(&self, course: &mut Course, news: &SisterNews, taken: &Taken) {
        course.anew = false;
        if course.seen.is_none() {
            let end = self.reader.journal_end().await.unwrap_or(i64::MAX);
            course.anew = taken.seen > end;
            course.looked = if course.anew { 0 } else { taken.seen };
        } else {
            course.looked = course.looked.max(news.upto);
        }
        course.seen = Some(taken.seen);
    }

    async fn tell_of_clock(&self) -> Result<(), Busy> {
        let (subject, kind) = (self.at.name.clone(), AlarmKind::DeviceClock);
        let off = self.offset_ms.load(Ordering::Relaxed);
        let input = if off.abs() > CLOCK_OFF_MS {
            let detail =
                format!("its clock and ours are {} s apart; it is allowed for", off / 1_000);
            Input::Trouble { subject, kind, detail }
        } else {
            Input::Well { subject, kind }
        };
        self.app.submit(input, None).await
    }

    /// What waits to be told: nothing of our tickets before it is known how far the sister has them.
    async fn news(&self, course: &mut Course) -> Result<SisterNews, Busy> {
        let sister = self.at.issuer;
        let asks = self.app.read(move |state| state.reports_to(sister, REPORTS_MAX)).await?;
        let (upto, anew) = (course.looked, course.anew);
        let mut news = SisterNews { upto, anew, ..SisterNews::default() };
        news.reports.extend(asks.into_iter().map(|ask| self.report(ask)));
        if course.seen.is_some() {
            match self.reader.tickets_after(self.own, course.looked, TICKETS_MAX).await {
                Ok((tickets, upto)) => {
                    if tickets.is_empty() && !course.anew {
                        course.looked = upto;
                    }
                    (news.tickets, news.upto) = (tickets, upto);
                }
                Err(trouble) => warn!(%trouble, "tickets cannot be looked up for the sister"),
            }
        }
        Ok(news)
    }

    fn report(&self, ask: SisterAsk) -> Report {
        Report {
            ask: ask.id,
            ticket: ask.ticket,
            used: ask.state == crate::core::sister::AskState::Used,
            alone: ask.alone,
            watched: self.at.watched.contains(&ask.zone),
            way: ask.way,
            at: ask.went_at.unwrap_or(ask.at),
            zone: ask.zone,
        }
    }

    /// One sealed question and its sealed answer. Where the clocks are apart, once more by the sister's.
    async fn post<T: DeserializeOwned>(
        &self,
        what: &str,
        body: &impl Serialize,
    ) -> Result<T, SisterFault> {
        let body = serde_json::to_vec(body).map_err(|_| SisterFault::Nonsense)?;
        match self.post_once(what, body.clone()).await {
            Err(SisterFault::Clock) => self.post_once(what, body).await,
            answer => answer,
        }
    }

    async fn post_once<T: DeserializeOwned>(
        &self,
        what: &str,
        body: Vec<u8>,
    ) -> Result<T, SisterFault> {
        let secret = &self.at.secret;
        let at_ms = wall_now().as_millisecond() + self.offset_ms.load(Ordering::Relaxed);
        let seal = Seal::new(secret, self.own, at_ms, what, &body).ok_or(SisterFault::Stopping)?;
        let url = format!("{}/sister/{what}", self.at.url);
        let unreachable = |e: reqwest::Error| SisterFault::Unreachable(e.without_url().to_string());
        let request = self.client.post(url).header(SEAL, seal.to_string()).body(body);
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let sealed = response.headers().get(SEAL).and_then(|seal| seal.to_str().ok());
        let sealed = sealed.and_then(Seal::parse);
        let text = response.bytes().await.map_err(unreachable)?;
        let Some(sealed) = sealed else { return Err(SisterFault::Status(status)) };
        let what = format!("{status} {what}");
        if sealed.from != self.at.issuer || !sealed.answers(&seal, secret, &what, &text) {
            return Err(SisterFault::Seal);
        }
        let off = sealed.at_ms - wall_now().as_millisecond();
        self.offset_ms.store(off, Ordering::Relaxed);
        match status {
            200 => serde_json::from_slice(&text).map_err(|_| SisterFault::Nonsense),
            409 => Err(SisterFault::Clock),
            status => Err(SisterFault::Status(status)),
        }
    }
}
