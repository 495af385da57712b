//! A plate camera of the Hikvision kind: posts its alerts to an address, and takes orders to its
//! barrier as a web server of its own. Sees only what it is shown.

mod alert;
mod digest;
mod gate;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{net::TcpListener, sync::mpsc};

pub use self::{
    alert::{AlertManner, AlertNamespace, AlertShape},
    digest::HashKind,
};
use self::{digest::Guard, gate::Arm};
use super::{
    Sighting,
    body::{Body, Twin},
    lock,
    push::{self, Answer, Caller, Post, Poster, Say, Says},
    station::Held,
};

/// A camera, where it calls, and who may call it.
#[derive(Clone, Debug)]
pub struct HikvisionSettings {
    /// Where alerts go.
    pub url: String,
    /// Where it takes orders; port 0 is any.
    pub listen: SocketAddr,
    pub serial: String,
    pub user: String,
    pub password: String,
    pub hash: HashKind,
    pub manner: AlertManner,
    /// It has a barrier. One without says that it does not support orders.
    pub barrier: bool,
    /// The barrier tells the camera where its arm stands.
    pub limits: bool,
    /// How long the arm is between its limits.
    pub rises_in: Duration,
    /// Wrong answers until the account is locked.
    pub tries_max: u32,
    /// Orders a nonce is worth.
    pub nonce_uses: u32,
    /// What nobody took is sent again as history after this; `None`: it is forgotten.
    pub resends_after: Option<Duration>,
    pub clock_ahead_s: i64,
}

impl HikvisionSettings {
    /// A camera with a barrier, which forgets what nobody took.
    pub fn new(url: &str, serial: &str) -> Self {
        Self {
            url: url.to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            serial: serial.to_owned(),
            user: "admin".to_owned(),
            password: "of-the-camera-itself".to_owned(),
            hash: HashKind::Md5,
            manner: AlertManner::default(),
            barrier: true,
            limits: true,
            rises_in: Duration::from_millis(50),
            tries_max: 5,
            nonce_uses: 100,
            resends_after: None,
            clock_ahead_s: 0,
        }
    }
}

/// A handle on the camera; clones share it. When the last one goes, so does the camera.
#[derive(Clone, Debug)]
pub struct Hikvision {
    shared: Arc<Shared>,
    says: Says,
    addr: SocketAddr,
    _held: Held,
}

#[derive(Debug)]
struct Shared {
    settings: HikvisionSettings,
    body: Body,
    poster: Poster,
    guard: Mutex<Guard>,
    arm: Mutex<Arm>,
}

impl Hikvision {
    /// Opens its web server on a port of its own. Needs a tokio runtime.
    pub fn start(settings: HikvisionSettings) -> io::Result<Self> {
        let (listener, addr) = gate::bind(settings.listen)?;
        let listener = TcpListener::from_std(listener)?;
        let mut guard = Guard::new(&settings.user, &settings.password, settings.hash);
        (guard.tries_max, guard.nonce_uses) = (settings.tries_max, settings.nonce_uses);
        let shared = Arc::new(Shared {
            body: Body::new(settings.clock_ahead_s),
            poster: Poster::new(&settings.url),
            guard: Mutex::new(guard),
            arm: Mutex::default(),
            settings,
        });
        let says = push::start(&shared);
        let (held, mut let_go) = mpsc::channel(1);
        let served = shared.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = gate::serve(served, listener) => {}
                _ = let_go.recv() => {}
            }
        });
        Ok(Self { shared, says, addr, _held: Arc::new(held) })
    }

    /// Where orders go.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn settings(&self) -> &HikvisionSettings {
        &self.shared.settings
    }

    /// Somebody locks the barrier at its housing, or releases it.
    pub fn set_locked(&self, locked: bool) {
        lock(&self.shared.arm).locked = locked;
    }

    /// The arm's position in the camera's numbers: 0 between its limits, 1 closed, 2 open.
    pub fn position(&self) -> u8 {
        lock(&self.shared.arm).position()
    }

    /// Too many wrong passwords: nobody gets in any more.
    pub fn is_account_locked(&self) -> bool {
        lock(&self.shared.guard).is_locked()
    }
}

impl Twin for Hikvision {
    fn body(&self) -> &Body {
        &self.shared.body
    }

    fn repeat(&self, number: u64, seen: &Sighting) {
        // The task ends only with the last handle.
        let _ = self.says.send(Say::Read(number, seen.clone()));
    }
}

impl Caller for Shared {
    fn body(&self) -> &Body {
        &self.body
    }

    fn poster(&self) -> &Poster {
        &self.poster
    }

    fn read_post(&self, number: u64, seen: &Sighting) -> Post {
        let HikvisionSettings { manner, serial, .. } = &self.settings;
        manner.post(serial, number, self.body.seen_at(seen), seen)
    }

    /// Any answer will do.
    fn answered(&self, _number: u64, _seen: &Sighting, _answer: &Answer) -> Result<(), String> {
        Ok(())
    }

    fn beat(&self) -> Option<Post> {
        None
    }

    fn beats_every(&self) -> Duration {
        Duration::from_mins(1)
    }

    fn resends_after(&self) -> Option<Duration> {
        self.settings.resends_after
    }
}
