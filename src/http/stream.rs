//! Live pages by server-sent events: what is on screen is compared here, and only what changed is sent. A stream that
//! breaks is simply opened again: its first events bring everything. Knows no page's content.

use std::{collections::VecDeque, convert::Infallible, future::Future, sync::Arc, time::Duration};

use axum::{
    extract::{Path, Query, State},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::stream::{self, Stream, StreamExt};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch},
    time::Instant,
};

use super::{
    console, devices, error::ApiError, records, router::Shared, screen, signin::Signed,
    tasks as task_list, turn as turns, words::Lang,
};
use crate::types::LaneId;

/// Changes closer together than this go out together.
const THROTTLE: Duration = Duration::from_millis(150);
/// Looked at again after this without any change: durations grow, and some turns come by time alone.
const REFRESH: Duration = Duration::from_secs(5);
/// Whether the reader is signed in still is asked so often.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(3);
const DEVICES_REFRESH: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One replaceable part of a page: the element's id and what is in it.
pub(super) type Piece = (String, String);

/// Pieces as they are sent, each as JSON: written once, however many watch.
pub(super) type Lines = Arc<Vec<String>>;

pub(super) fn lines(pieces: Vec<Piece>) -> Vec<String> {
    let line = |(id, html)| serde_json::json!({ "id": id, "html": html }).to_string();
    pieces.into_iter().map(line).collect()
}

/// What many watch and one makes: whoever asks while it is being made waits for it.
#[derive(Debug)]
pub(super) struct Once<T>(Mutex<Option<Made<T>>>);

#[derive(Debug)]
struct Made<T> {
    version: u64,
    at: Instant,
    what: Arc<T>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Once<T> {
    /// Of this version or a later one, made not more often than [`THROTTLE`] and not longer ago than [`REFRESH`].
    pub(super) async fn current<E>(
        &self,
        version: impl Fn() -> u64,
        make: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        let mut made = self.0.lock().await;
        if let Some(last) = &*made {
            if last.version == version() && last.at.elapsed() < REFRESH {
                return Ok(last.what.clone());
            }
            tokio::time::sleep_until(last.at + THROTTLE).await;
        }
        Self::put(&mut made, version(), make.await?)
    }

    /// Made not longer ago than `every`.
    pub(super) async fn recent<E>(
        &self,
        every: Duration,
        make: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        let mut made = self.0.lock().await;
        match &*made {
            Some(last) if last.at.elapsed() < every => Ok(last.what.clone()),
            _ => Self::put(&mut made, 0, make.await?),
        }
    }

    fn put<E>(made: &mut Option<Made<T>>, version: u64, what: T) -> Result<Arc<T>, E> {
        let what = Arc::new(what);
        *made = Some(Made { version, at: Instant::now(), what: what.clone() });
        Ok(what)
    }
}

/// Wakes at every commit, not faster than [`THROTTLE`], and at least every [`REFRESH`].
struct Pulse {
    web: Shared,
    version: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    first: bool,
    /// `None`: for anybody.
    reader: Option<Reader>,
    _place: OwnedSemaphorePermit,
}

impl Pulse {
    fn new(
        web: &Shared,
        places: &Arc<Semaphore>,
        signed: Option<Signed>,
    ) -> Result<Self, ApiError> {
        let place = places.clone().try_acquire_owned().map_err(|_| ApiError::Busy)?;
        let (version, stop) = (web.desk.version(), web.stop.clone());
        let reader = signed.map(|signed| Reader::new(web, signed));
        Ok(Self { web: web.clone(), version, stop, first: true, reader, _place: place })
    }

    /// `false`: the daemon stops, or the reader may read no more.
    async fn next(&mut self) -> bool {
        if *self.stop.borrow() {
            return false;
        }
        if std::mem::replace(&mut self.first, false) {
            self.version.mark_unchanged();
            return true;
        }
        tokio::select! {
            _ = self.stop.wait_for(|stop| *stop) => return false,
            changed = self.version.changed() => if changed.is_err() { return false },
            () = tokio::time::sleep(REFRESH) => {}
        }
        tokio::time::sleep(THROTTLE).await;
        self.version.mark_unchanged();
        match &mut self.reader {
            Some(reader) => reader.may_go_on(&self.web).await,
            None => true,
        }
    }
}

/// Whoever reads a live page of the console. It ends soon after their session does.
pub(super) struct Reader {
    signed: Signed,
    asked_at: Timestamp,
}

impl Reader {
    pub(super) fn new(web: &Shared, signed: Signed) -> Self {
        Self { signed, asked_at: web.desk.now() }
    }

    /// Asks the tables now and then only.
    pub(super) async fn may_go_on(&mut self, web: &Shared) -> bool {
        let now = web.desk.now();
        if now.duration_since(self.asked_at).abs() < ASK_AGAIN {
            return true;
        }
        self.asked_at = now;
        self.signed.lasts(web).await
    }
}

/// Sends the pieces that differ from what this stream sent before. `see` may fail for a while: a busy daemon is no
/// reason to end the page.
fn pieces<F, Fut>(
    web: &Shared,
    places: &Arc<Semaphore>,
    signed: Option<Signed>,
    see: F,
) -> Result<Response, ApiError>
where
    F: Fn() -> Fut + Send + 'static,
    Fut: Future<Output = Result<Lines, ApiError>> + Send,
{
    let start = (Pulse::new(web, places, signed)?, Lines::default(), see);
    let events = stream::unfold(start, async |(mut pulse, mut sent, see)| {
        if !pulse.next().await {
            return None;
        }
        let events = see().await.map(|seen| fresh(&mut sent, seen)).unwrap_or_default();
        Some((stream::iter(events), (pulse, sent, see)))
    });
    Ok(sse(events.flatten()))
}

/// Sends one `turn` as soon as `see` says something else than the page shows, and ends.
fn turn<F, Fut>(web: &Shared, seen: String, see: F) -> Result<Response, ApiError>
where
    F: Fn() -> Fut + Send + 'static,
    Fut: Future<Output = Result<String, ApiError>> + Send,
{
    let start = Some((Pulse::new(web, &web.streams, None)?, seen, see));
    let events = stream::unfold(start, async |going| {
        let (mut pulse, seen, see) = going?;
        while pulse.next().await {
            match see().await {
                Ok(key) if key != seen => {
                    return Some((Event::default().event("turn").data(key), None));
                }
                _ => {}
            }
        }
        None
    });
    Ok(sse(events))
}

fn sse(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("still here");
    let events = events.map(Ok::<_, Infallible>);
    // Some proxies hold back what they could compress or collect.
    let headers = [("cache-control", "no-store"), ("x-accel-buffering", "no")];
    (headers, Sse::new(events).keep_alive(keep_alive)).into_response()
}

pub(super) async fn console(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    let (shared, reader) = (web.clone(), signed.clone());
    pieces(&web, &web.watchers, Some(signed), move || {
        let (web, reader) = (shared.clone(), reader.clone());
        async move { console::pieces(&web, l, &reader).await }
    })
}

pub(super) async fn lane(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(lane): Path<String>,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let (shared, reader) = (web.clone(), signed.clone());
    pieces(&web, &web.watchers, Some(signed), move || {
        let (web, reader, lane) = (shared.clone(), reader.clone(), lane.clone());
        async move { records::lane_pieces(&web, l, &reader, &lane).await.map(once) }
    })
}

pub(super) async fn tasks(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    let (shared, reader) = (web.clone(), signed.clone());
    pieces(&web, &web.watchers, Some(signed), move || {
        let (web, reader) = (shared.clone(), reader.clone());
        async move { task_list::pieces(&web, l, &reader).await.map(once) }
    })
}

pub(super) async fn screen(
    State(web): State<Shared>,
    l: Lang,
    Path(lane): Path<String>,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let shared = web.clone();
    pieces(&web, &web.streams, None, move || {
        let (web, lane) = (shared.clone(), lane.clone());
        async move { screen::pieces(&web, l, &lane).await.map(once) }
    })
}

/// The devices: looked at every second and whenever one says something.
pub(super) async fn devices(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    let reader = Reader::new(&web, signed.clone());
    let place = web.watchers.clone().try_acquire_owned().map_err(|_| ApiError::Busy)?;
    let (live, stop) = (web.fleet.live(), web.stop.clone());
    let start = (web, (l, signed, reader), live, stop, VecDeque::new(), Lines::default(), place);
    let events =
        stream::unfold(start, async |(web, who, mut live, mut stop, mut said, mut sent, place)| {
            let (l, signed, mut reader) = who;
            if !sent.is_empty() {
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => return None,
                    line = live.recv() => if let Ok(line) = line { devices::keep(&mut said, line) },
                    () = tokio::time::sleep(DEVICES_REFRESH) => {}
                }
                tokio::time::sleep(THROTTLE).await;
                while let Ok(line) = live.try_recv() {
                    devices::keep(&mut said, line);
                }
                if !reader.may_go_on(&web).await {
                    return None;
                }
            }
            let seen = devices::pieces(&web, l, &signed, &said).unwrap_or_default();
            let events = fresh(&mut sent, once(seen));
            let who = (l, signed, reader);
            Some((stream::iter(events), (web, who, live, stop, said, sent, place)))
        });
    Ok(sse(events.flatten()))
}

fn once(pieces: Vec<Piece>) -> Lines {
    Arc::new(lines(pieces))
}

/// The pieces that differ from what was sent before.
fn fresh(sent: &mut Lines, seen: Lines) -> Vec<Event> {
    let is_new = |(nth, line): &(usize, &String)| sent.get(*nth) != Some(*line);
    let event = |(_, line): (usize, &String)| Event::default().event("piece").data(line);
    let events = seen.iter().enumerate().filter(is_new).map(event).collect();
    *sent = seen;
    events
}

#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    #[serde(default)]
    seen: String,
}

pub(super) async fn lane_turn(
    State(web): State<Shared>,
    Path(lane): Path<String>,
    Query(seen): Query<Seen>,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let shared = web.clone();
    turn(&web, seen.seen, move || {
        let (web, lane) = (shared.clone(), lane.clone());
        async move { turns::lane_key(&web, &lane).await }
    })
}

pub(super) async fn order_turn(
    State(web): State<Shared>,
    Path(token): Path<String>,
    Query(seen): Query<Seen>,
) -> Result<Response, ApiError> {
    let (order, _) = web.links.begun(&token).ok_or(ApiError::NotFound)?;
    let shared = web.clone();
    turn(&web, seen.seen, move || {
        let web = shared.clone();
        async move { Ok(turns::order_turn(&web, order).await?.key()) }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::*;

    #[tokio::test]
    async fn many_watch_and_one_makes() {
        let (once, made, version) = (Once::<u64>::default(), AtomicU64::new(0), AtomicU64::new(1));
        let make = async || Ok::<_, ()>(made.fetch_add(1, Relaxed) + 1);
        let ask = || once.current(|| version.load(Relaxed), make());
        let (one, two) = tokio::join!(ask(), ask());
        assert_eq!((*one.unwrap(), *two.unwrap()), (1, 1), "both are shown the same");
        version.store(2, Relaxed);
        assert_eq!(*ask().await.unwrap(), 2, "a change is never kept back");
        assert_eq!(*ask().await.unwrap(), 2, "and made once");
        assert_eq!(*once.recent(REFRESH, make()).await.unwrap(), 2, "recent enough");
        assert_eq!(*once.recent(Duration::ZERO, make()).await.unwrap(), 3);
    }

    #[test]
    fn only_what_differs_is_sent() {
        let mut sent = Lines::default();
        let piece = |id: &str, html: &str| (id.to_owned(), html.to_owned());
        assert_eq!(fresh(&mut sent, once(vec![piece("a", "1"), piece("b", "1")])).len(), 2);
        assert_eq!(fresh(&mut sent, once(vec![piece("a", "1"), piece("b", "2")])).len(), 1);
        assert!(fresh(&mut sent, once(vec![piece("a", "1"), piece("b", "2")])).is_empty());
    }
}
