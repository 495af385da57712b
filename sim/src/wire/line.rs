//! Everything on one RS-485 line behind one adapter: relay boards, LED boards and turnstiles, their
//! faults, and a record of what was said to them. Asks nothing by itself.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use paifang_devices::Way;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{broadcast, mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

use super::{
    EVENTS_MAX, RelayEvent,
    board::{Board, BoardFaults, BoardSettings},
    led::{self, Led},
    lock,
    pty::Pty,
    rtu::{self, Front},
    turnstile::{Lot, LotFaults},
};

/// Silence that ends a frame. The standard's 3.5 characters are less than a busy machine's pauses.
const SILENCE: Duration = Duration::from_millis(20);
/// Frames remembered.
const FRAMES_MAX: usize = 4_096;
/// Noise without end is not kept beyond this.
const HEARD_MAX: usize = 4_096;
/// Somebody who does not read for so long does not get the answer.
const WRITE_MAX: Duration = Duration::from_millis(200);

/// A handle on the line; clones share it. When the last one goes, the adapter is pulled.
#[derive(Clone, Debug)]
pub struct Line {
    shared: Arc<Shared>,
    orders: mpsc::UnboundedSender<Order>,
    path: PathBuf,
}

#[derive(Debug)]
struct Shared {
    boards: Mutex<Vec<Board>>,
    leds: Vec<Led>,
    lots: Mutex<Vec<Lot>>,
    frames: Mutex<VecDeque<Vec<u8>>>,
    events: broadcast::Sender<RelayEvent>,
}

#[derive(Debug)]
enum Order {
    Unplug(oneshot::Sender<io::Result<()>>),
    Replug(oneshot::Sender<io::Result<()>>),
}

impl Line {
    /// Boards with addresses of their own, and LED boards, which have none: each hears every frame
    /// of its kind. Needs a tokio runtime.
    pub fn start(pty: Pty, boards: &[BoardSettings], leds: usize) -> Self {
        Self::start_with(pty, boards, leds, &[])
    }

    /// The same with turnstile controllers at these addresses.
    pub fn start_with(pty: Pty, boards: &[BoardSettings], leds: usize, lots: &[u8]) -> Self {
        let (orders, ordered) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            boards: Mutex::new(boards.iter().copied().map(Board::new).collect()),
            leds: (0..leds).map(|_| Led::default()).collect(),
            lots: Mutex::new(lots.iter().copied().map(Lot::new).collect()),
            frames: Mutex::default(),
            events: broadcast::Sender::new(EVENTS_MAX),
        });
        let path = pty.path().to_path_buf();
        let wire = Wire { pty, shared: shared.clone(), heard: Vec::new(), answers: Vec::new() };
        tokio::spawn(wire.run(ordered));
        Self { shared, orders, path }
    }

    /// What the daemon opens. Lasting only if the terminal was made with a lasting name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Contacts that move from now on.
    pub fn relay_events(&self) -> broadcast::Receiver<RelayEvent> {
        self.shared.events.subscribe()
    }

    /// The contact at terminal `input` (from 1) of the board with this address is closed or opens.
    /// `false`: there is no such terminal.
    pub fn set_input(&self, board: u8, input: u8, on: bool) -> bool {
        let set = |one: &mut Board| one.input(input).map(|state| *state = on);
        self.board(board, set).flatten().is_some()
    }

    /// Contact `relay` (from 1) is closed at this moment.
    pub fn relay(&self, board: u8, relay: u8) -> bool {
        self.board(board, |one| one.closed(relay, Instant::now())).unwrap_or(false)
    }

    /// From the next request on. `false`: there is no such board.
    pub fn set_faults(&self, board: u8, faults: BoardFaults) -> bool {
        self.board(board, |one| one.faults = faults).is_some()
    }

    fn board<T>(&self, address: u8, act: impl FnOnce(&mut Board) -> T) -> Option<T> {
        lock(&self.shared.boards).iter_mut().find(|one| one.address == address).map(act)
    }

    /// Somebody pushes at a side of the turnstile with this address; `true`: it let them through.
    pub fn walk(&self, turnstile: u8, way: Way) -> bool {
        self.lot(turnstile, |one| one.walk(way, Instant::now())).unwrap_or(false)
    }

    /// Persons it has counted. `None`: there is no such turnstile.
    pub fn counted(&self, turnstile: u8, way: Way) -> Option<u32> {
        self.lot(turnstile, |one| one.count(way))
    }

    /// Sets its counter, as after years of use.
    pub fn set_count(&self, turnstile: u8, way: Way, count: u32) -> bool {
        self.lot(turnstile, |one| one.set_count(way, count)).is_some()
    }

    /// From the next request on. `false`: there is no such turnstile.
    pub fn set_lot_faults(&self, turnstile: u8, faults: LotFaults) -> bool {
        self.lot(turnstile, |one| one.faults = faults).is_some()
    }

    fn lot<T>(&self, address: u8, act: impl FnOnce(&mut Lot) -> T) -> Option<T> {
        lock(&self.shared.lots).iter_mut().find(|one| one.address == address).map(act)
    }

    /// Whole frames heard, whoever they were for, the oldest first; of very many the latest.
    pub fn frames(&self) -> Vec<Vec<u8>> {
        lock(&self.shared.frames).iter().cloned().collect()
    }

    /// Forgets the frames heard so far.
    pub fn clear_frames(&self) {
        lock(&self.shared.frames).clear();
    }

    /// An LED board, counted from 0.
    pub fn led(&self, led: usize) -> Option<&Led> {
        self.shared.leds.get(led)
    }

    /// The lines an LED board shows, the top one first.
    pub fn screen(&self, led: usize) -> Vec<String> {
        self.led(led).map(Led::screen).unwrap_or_default()
    }

    /// The phrases it has spoken.
    pub fn spoken(&self, led: usize) -> Vec<String> {
        self.led(led).map(Led::spoken).unwrap_or_default()
    }

    /// Pulls the adapter; done when the daemon's side is cut off.
    pub async fn unplug(&self) -> io::Result<()> {
        self.order(Order::Unplug).await
    }

    /// Plugs it in again.
    pub async fn replug(&self) -> io::Result<()> {
        self.order(Order::Replug).await
    }

    async fn order(&self, order: fn(oneshot::Sender<io::Result<()>>) -> Order) -> io::Result<()> {
        let ended = |_| io::Error::other("the line's task has ended");
        let (done, is_done) = oneshot::channel();
        self.orders.send(order(done)).map_err(|e| io::Error::other(e.to_string()))?;
        is_done.await.map_err(ended)?
    }
}

/// The copper and who hangs on it.
#[derive(Debug)]
struct Wire {
    pty: Pty,
    shared: Arc<Shared>,
    heard: Vec<u8>,
    /// Answers that are not due yet.
    answers: Vec<(Instant, Vec<u8>)>,
}

impl Wire {
    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut piece = [0; 512];
        let mut quiet_at = Instant::now();
        loop {
            let due = self.answers.iter().map(|(at, _)| *at).min();
            let (is_plugged, is_cut) = (self.pty.is_plugged(), !self.heard.is_empty());
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => return,
                },
                read = self.pty.read(&mut piece), if is_plugged => match read {
                    Ok(count) if count > 0 => {
                        self.heard.extend_from_slice(&piece[..count]);
                        self.heard.truncate(HEARD_MAX);
                        quiet_at = Instant::now() + SILENCE;
                        self.take_frames();
                    }
                    _ => self.pty.unplug(),
                },
                () = sleep_until(quiet_at), if is_cut => self.end_of_burst(),
                () = sleep_until(due.unwrap_or(quiet_at)), if due.is_some() => self.answer().await,
            }
        }
    }

    fn obey(&mut self, order: Order) {
        let (done, result) = match order {
            Order::Unplug(done) => {
                self.pty.unplug();
                (done, Ok(()))
            }
            Order::Replug(done) => (done, self.pty.replug()),
        };
        self.heard.clear();
        self.answers.clear();
        // Who asked may have stopped waiting; the plug does not care.
        let _ = done.send(result);
    }

    /// Takes whole frames off the front. A damaged one spoils what comes right behind it.
    fn take_frames(&mut self) {
        while !self.heard.is_empty() {
            let len = match led::front(&self.heard) {
                Some(Front::Frame(len)) => len,
                Some(Front::Partial | Front::UntilSilence) => return,
                Some(Front::Damaged) => return self.spoilt(),
                None => match rtu::front(&self.heard) {
                    Front::Frame(len) => len,
                    Front::Damaged => return self.spoilt(),
                    Front::Partial | Front::UntilSilence => return,
                },
            };
            let frame = self.heard.drain(..len).collect();
            self.hear(frame);
        }
    }

    /// Waits for silence with no hope of a frame, keeping nothing that could look like one.
    fn spoilt(&mut self) {
        self.heard.clear();
        self.heard.resize(rtu::FRAME_MAX, 0xFF);
    }

    /// Silence: what is there is a frame of unknown length, or none.
    fn end_of_burst(&mut self) {
        let burst = std::mem::take(&mut self.heard);
        if burst.len() < rtu::FRAME_MAX && rtu::holds(&burst) {
            self.hear(burst);
        }
    }

    fn hear(&mut self, frame: Vec<u8>) {
        let now = Instant::now();
        if led::front(&frame).is_some() {
            for led in &self.shared.leds {
                led.hear(&frame);
            }
        } else {
            let mut boards = lock(&self.shared.boards);
            let meant = boards.iter_mut().filter(|one| [0, one.address].contains(&frame[0]));
            for board in meant {
                let (answer, moved) = board.hear(&frame, now);
                self.answers.extend(answer.map(|bytes| (now + board.faults.delay, bytes)));
                for event in moved {
                    // Nobody need be listening.
                    let _ = self.shared.events.send(event);
                }
            }
            drop(boards);
            let mut lots = lock(&self.shared.lots);
            let meant = lots.iter_mut().filter(|one| one.address == frame[0]);
            self.answers.extend(meant.filter_map(|one| one.hear(&frame, now)).map(|a| (now, a)));
        }
        let mut frames = lock(&self.shared.frames);
        if frames.len() == FRAMES_MAX {
            frames.pop_front();
        }
        frames.push_back(frame);
    }

    /// Says what is due.
    async fn answer(&mut self) {
        let now = Instant::now();
        while let Some(place) = self.answers.iter().position(|(at, _)| *at <= now) {
            let (_, bytes) = self.answers.remove(place);
            if self.pty.is_plugged() {
                let _ = timeout(WRITE_MAX, self.pty.write_all(&bytes)).await;
            }
        }
    }
}
