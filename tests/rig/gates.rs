//! Many turnstiles before one real writer and store, without their wires: what a gate decides, and how fast.

use std::{path::Path, sync::Arc, time::Instant};

use anyhow::{Context, Result, bail};
use jiff::{Timestamp, tz::TimeZone};
use paifang::{
    app::{
        App, Ports, Writer,
        clock::{Clock, SystemTime},
    },
    core::{
        Answer, Effect, Input, Reply, Rules,
        gate::{Counted, PassAction, Way},
        input::PassOutcome,
        rules::{Direction, GateRules, GateTimes, Zones},
        tariff::Tariff,
    },
    store::{Options, Reader, Store, Writer as StoreWriter},
    tickets::{SiteCode, TicketKeys},
    types::{CodeDigest, CommandId, Currency, LaneId, TicketId},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// Where the counters of all turnstiles begin.
const COUNTER: u32 = 100;

/// An order as it reaches a turnstile.
struct Order {
    command: CommandId,
    action: PassAction,
    at: Instant,
}

/// Hands each order to its turnstile; nothing else is done here.
struct Wires(Vec<(LaneId, mpsc::UnboundedSender<Order>)>);

impl Ports for Wires {
    fn perform(&mut self, effect: Effect, _: Timestamp) {
        if let Effect::Pass { lane, command, action, .. } = effect
            && let Some((_, wire)) = self.0.iter().find(|(id, _)| *id == lane)
        {
            let _ = wire.send(Order { command, action, at: Instant::now() });
        }
    }
}

pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) keys: TicketKeys,
    pub(crate) reader: Reader,
    rules: Arc<Rules>,
    stop: watch::Sender<bool>,
    writer: JoinHandle<StoreWriter>,
}

/// One that lets everybody go at once.
pub(crate) struct Turnstile {
    pub(crate) lane: LaneId,
    app: App,
    orders: mpsc::UnboundedReceiver<Order>,
    counter: u32,
}

impl Site {
    /// A site with so many turnstiles, each closed and heard.
    pub(crate) async fn start(folder: &Path, gates: usize) -> Result<(Self, Vec<Turnstile>)> {
        let tariff = Tariff::hourly(15, 500, 4_000);
        let mut rules = Rules::new("gates", TimeZone::UTC, Currency::Cny, tariff);
        let (mut wires, mut ends) = (Vec::new(), Vec::new());
        for number in 0..gates {
            let lane = LaneId::parse(&format!("gate-{number}")).context("a lane's name")?;
            let (direction, zone) = (Direction::Entry, Zones::only());
            let times = GateTimes::default();
            let gate = GateRules { direction, zone, counter: true, alone: true, times };
            rules.gates.insert(lane.clone(), gate);
            let (wire, orders) = mpsc::unbounded_channel();
            wires.push((lane.clone(), wire));
            ends.push((lane, orders));
        }
        let rules = Arc::new(rules);
        let store = Store::open(&folder.join("site.db"), Options::default()).await?;
        let Store { writer, reader, .. } = store;
        let loaded = reader.load().await?;
        let (clock, stepped) = Clock::start(Box::new(SystemTime), loaded.tail.last_at);
        let (app, inbox) = App::new();
        let stores = (writer, reader.clone());
        let wires = Wires(wires);
        let writer = Writer::new(loaded.state, Arc::clone(&rules), stores, clock, wires, inbox);
        let (stop, stopped) = watch::channel(false);
        let writer = tokio::spawn(writer.run(stepped, stopped));
        let keys = TicketKeys::of(&[7; 32], b"a secret of this bench alone", SiteCode::of("gates"));
        let keys = keys.context("keys")?;
        let mut turnstiles = Vec::new();
        for (lane, orders) in ends {
            let mut turnstile = Turnstile { lane, app: app.clone(), orders, counter: COUNTER };
            turnstile.counted().await?;
            turnstile.obey(PassAction::Close).await?;
            turnstiles.push(turnstile);
        }
        Ok((Self { app, keys, reader, rules, stop, writer }, turnstiles))
    }

    /// So many tickets for one person each, by the signed codes they are shown with. The first that this site sells.
    pub(crate) async fn sell(&self, tickets: usize) -> Result<Vec<String>> {
        let (valid_from, valid_until) = (self.app.now(), "2100-01-01T00:00:00Z".parse()?);
        let mut codes = Vec::with_capacity(tickets);
        for number in (1..).take(tickets) {
            let id = TicketId(number);
            let digest = CodeDigest::of(&self.keys.short_code(id, 0));
            let by = "rig".to_owned();
            let made = Input::TicketMade {
                digest,
                persons: 1,
                valid_from: Some(valid_from),
                valid_until,
                by,
            };
            if self.app.tell(made).await? != Ok(Answer::Ticket(id)) {
                bail!("ticket {id} was not made");
            }
            let ticket = self.app.read(move |state| state.tickets.get(&id).cloned()).await?;
            codes.push(self.keys.code(&ticket.context("a ticket")?, &self.rules.tickets));
        }
        Ok(codes)
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.stop.send_replace(true);
        drop(self.writer.await?);
        Ok(())
    }
}

impl Turnstile {
    /// Holds a code before it; what became of that, once it is on disk.
    pub(crate) async fn scan(&self, keys: &TicketKeys, code: &str) -> Result<Reply> {
        let shown = keys.read(code, self.app.now());
        let lane = self.lane.clone();
        Ok(self.app.tell(Input::Scanned { lane, shown }).await?)
    }

    /// Takes the next order, which is of this kind. When it came.
    pub(crate) async fn obey(&mut self, wanted: PassAction) -> Result<Instant> {
        let order = self.orders.recv().await.context("the writer stopped")?;
        if order.action != wanted {
            bail!("{}: told to {:?} in place of {wanted:?}", self.lane, order.action);
        }
        let (lane, command) = (self.lane.clone(), order.command);
        let outcome = PassOutcome::Done(Some(self.counter));
        let told = Input::PassAnswered { lane, command, outcome };
        self.app.tell(told).await?.context("an answer to an order")?;
        Ok(order.at)
    }

    /// The one it is open for goes.
    pub(crate) async fn walk(&mut self) -> Result<()> {
        self.counter += 1;
        self.counted().await
    }

    async fn counted(&self) -> Result<()> {
        let (lane, count) = (self.lane.clone(), Counted::Total(self.counter));
        self.app.tell(Input::Went { lane, way: Way::In, count }).await?.context("a count")?;
        Ok(())
    }
}
