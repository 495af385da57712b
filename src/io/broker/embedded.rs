//! The broker inside this process: rmqtt on a thread and runtime of its own, so that it can be
//! stopped and started again without touching the rest. Its rules are in the guard beside it.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU16,
    sync::{Arc, mpsc as sync_mpsc},
    thread,
    time::Duration,
};

use rmqtt::{
    context::ServerContext, net, router::DefaultRouter, server::MqttServer, shared::DefaultShared,
};
use tokio::sync::mpsc;

use super::{
    account::{Account, AccountError, check_accounts},
    guard::Guard,
    quarantine::Quarantine,
};
use crate::io::bucket::Rate;

/// Room for the topic and the packet's header beside a payload of the largest size, in bytes.
const ENVELOPE_BYTES: u32 = 64 * 1024;
/// Unacknowledged messages towards one client. The library's 16 halves the rate of 32 busy lanes.
const IN_FLIGHT_MAX: NonZeroU16 = NonZeroU16::new(200).expect("is not zero");
/// Sessions in all; a site has tens of devices.
const SESSIONS_MAX: isize = 1_024;
const SIGN_IN_LIMIT: Duration = Duration::from_secs(10);
const STOP_LIMIT: Duration = Duration::from_secs(1);

/// What the broker needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where devices connect. Loopback unless the site says otherwise; port 0 takes a free one.
    pub listen: SocketAddr,
    pub accounts: Vec<Account>,
    /// What one device may send; more is dropped before it is queued. `None`: anything.
    pub rate: Option<Rate>,
    /// Largest payload taken, in bytes. A larger one ends the connection that sent it.
    pub payload_bytes_max: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: (Ipv4Addr::LOCALHOST, 1883).into(),
            accounts: Vec::new(),
            rate: None,
            payload_bytes_max: 4 * 1024 * 1024,
        }
    }
}

/// Why the broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error(
        "port {} on {} is in use by another program: stop it (`ss -ltnp` names it), \
         choose another port for the broker, or use that program as an external broker",
        .listen.port(), .listen.ip()
    )]
    PortInUse { listen: SocketAddr },
    #[error("the broker cannot listen on {listen}: check the address and the rights to the port")]
    Listen { listen: SocketAddr, source: io::Error },
    #[error("the system gives the broker no thread")]
    Thread(#[source] io::Error),
    #[error(transparent)]
    Account(#[from] AccountError),
}

/// A running broker. Dropping it stops it without waiting; [`Broker::stop`] waits.
pub struct Broker {
    addr: SocketAddr,
    guard: Arc<Guard>,
    /// Names of accounts whose connections must go; closed, it stops the broker.
    cut: mpsc::UnboundedSender<Vec<String>>,
    thread: thread::JoinHandle<()>,
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Broker {
    /// Starts listening; returns when devices can connect (milliseconds).
    pub fn start(settings: Settings) -> Result<Broker, BrokerError> {
        check_accounts(&settings.accounts)?;
        let guard = Arc::new(Guard::new(settings.rate));
        guard.replace(settings.accounts);
        let (cut, cuts) = mpsc::unbounded_channel();
        let (ready, started) = sync_mpsc::sync_channel(1);
        let (listen, payload_bytes_max) = (settings.listen, settings.payload_bytes_max);
        let thread_guard = guard.clone();
        let thread = thread::Builder::new()
            .name("broker".into())
            .spawn(move || run(listen, payload_bytes_max, thread_guard, &ready, cuts))
            .map_err(BrokerError::Thread)?;
        let gone = || BrokerError::Thread(io::Error::other("the thread ended at once"));
        let addr = started.recv().map_err(|_| gone())??;
        Ok(Broker { addr, guard, cut, thread })
    }

    /// The way in for strangers; closed until somebody opens it.
    pub fn quarantine(&self) -> Quarantine {
        self.guard.quarantine.with_cut(&self.cut)
    }

    /// Where it listens; the real port if the settings asked for a free one.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Replaces all accounts. Connections of accounts that changed or went are cut; a device
    /// whose account still stands connects again under its new rules.
    pub fn set_accounts(&self, accounts: Vec<Account>) -> Result<(), AccountError> {
        check_accounts(&accounts)?;
        let changed = self.guard.replace(accounts);
        // The broker outlives this handle, so the only failure is a thread that died.
        if !changed.is_empty() && self.cut.send(changed).is_err() {
            tracing::error!("the broker's thread is gone: accounts were not applied");
        }
        Ok(())
    }

    /// Cuts all connections and frees the port. Blocks for some milliseconds, a second at most.
    pub fn stop(self) {
        drop(self.cut);
        if self.thread.join().is_err() {
            tracing::error!("the broker's thread ended in a panic");
        }
    }
}

type Ready = sync_mpsc::SyncSender<Result<SocketAddr, BrokerError>>;

fn run(
    listen: SocketAddr,
    payload_bytes_max: u32,
    guard: Arc<Guard>,
    ready: &Ready,
    cuts: mpsc::UnboundedReceiver<Vec<String>>,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("broker")
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(BrokerError::Thread(error)))),
    };
    let context = runtime.block_on(serve(listen, payload_bytes_max, guard, ready, cuts));
    runtime.shutdown_timeout(STOP_LIMIT);
    if let Some(context) = context {
        free(context);
    }
}

/// The context holds itself through two of its parts: without this it would never be freed.
/// Sessions end by spawning, so this needs a runtime, one on which nothing else runs any more.
fn free(context: ServerContext) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    runtime.block_on(async {
        *context.extends.shared_mut().await = Box::new(DefaultShared::new(None));
        *context.extends.router_mut().await = Box::new(DefaultRouter::new(None));
        drop(context);
    });
}

async fn serve(
    listen: SocketAddr,
    payload_bytes_max: u32,
    guard: Arc<Guard>,
    ready: &Ready,
    mut cuts: mpsc::UnboundedReceiver<Vec<String>>,
) -> Option<ServerContext> {
    let listener = match bind(listen, payload_bytes_max) {
        Ok(listener) => listener,
        Err(error) => {
            let _ = ready.send(Err(error));
            return None;
        }
    };
    let addr = listener.local_addr().unwrap_or(listen);
    // The library refuses sign-ins while the machine is busy; here that would lock cameras out
    // just when a queue stands at the barrier.
    let context =
        ServerContext::new().busy_check_enable(false).mqtt_max_sessions(SESSIONS_MAX).build().await;
    guard.install(&context).await;
    let server = MqttServer::new(context.clone()).listener_by_id(listener, addr.port()).build();
    let server = tokio::spawn(server.run());
    tracing::info!(%addr, "mqtt broker listens");
    let _ = ready.send(Ok(addr));
    while let Some(usernames) = cuts.recv().await {
        cut_connections(&context, &usernames).await;
    }
    server.abort();
    tracing::info!(%addr, "mqtt broker stopped");
    Some(context)
}

fn bind(listen: SocketAddr, payload_bytes_max: u32) -> Result<net::Listener, BrokerError> {
    let bound = net::Builder::new()
        .name("broker")
        .laddr(listen)
        .reuseaddr(Some(true))
        .nodelay(true)
        .allow_anonymous(false)
        .max_packet_size(payload_bytes_max.saturating_add(ENVELOPE_BYTES))
        .max_inflight(IN_FLIGHT_MAX)
        .max_connections(SESSIONS_MAX as usize)
        .max_handshaking_limit(SESSIONS_MAX as usize)
        .handshake_timeout(SIGN_IN_LIMIT)
        .max_clientid_len(256)
        .max_topic_levels(32)
        // Nothing is sent twice on a living connection, and age is judged by the guard.
        .message_retry_interval(Duration::ZERO)
        .message_expiry_interval(Duration::ZERO)
        .bind()
        .and_then(net::Listener::tcp);
    bound.map_err(|error| match error.downcast::<io::Error>() {
        Ok(error) if error.kind() == io::ErrorKind::AddrInUse => BrokerError::PortInUse { listen },
        Ok(source) => BrokerError::Listen { listen, source },
        Err(error) => BrokerError::Listen { listen, source: io::Error::other(error.to_string()) },
    })
}

async fn cut_connections(context: &ServerContext, usernames: &[String]) {
    let shared = context.extends.shared().await;
    let entries: Vec<_> = shared
        .iter()
        .filter(|entry| usernames.iter().any(|name| name == entry.id().username_ref()))
        .collect();
    for entry in entries {
        let id = entry.id();
        let cut = match entry.try_lock().await {
            Ok(mut entry) => entry.kick(true, true, true).await.map(drop),
            Err(error) => Err(error),
        };
        match cut {
            Ok(()) => tracing::info!(username = id.username_ref(), "mqtt account changed: cut"),
            Err(error) => tracing::warn!(
                username = id.username_ref(), %error,
                "mqtt account changed, its old connection could not be cut: restart the daemon"
            ),
        }
    }
}
