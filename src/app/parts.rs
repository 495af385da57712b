//! The parts of a site around the writer: broker, link, relay boards, displays, by what the site file names. Starts
//! their tasks and decides nothing.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use paifang_devices::{Protocol, RelayBoard, Screen, SetupError};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    App,
    counts::Counts,
    daemon::StartError,
    ears::Ears,
    field::{
        ArmPort, Board, Caller, Calls, CameraPort, Cameras, Display, FramePort, Health, Intake,
        Orders, OverMqtt, PassPort, Probes, PushDevices, Reach, Tell, TwoWays, Wire, Wiring,
        probes,
    },
    keys,
};
use crate::{
    config::{Filled, Site},
    core::Message,
    io::{
        mqtt::{Link, Settings as LinkSettings},
        serial::{Bus, BusHandle, SerialSettings},
    },
    types::{DeviceId, LaneId},
};

/// Orders that wait for one relay board.
pub(super) const JOBS_MAX: usize = 16;
/// Silence on a serial line before each request: 3.5 characters at 9600 bits per second, and what boards ask for.
pub(super) const LINE_GAP: Duration = Duration::from_millis(5);

pub(super) type Buses = BTreeMap<DeviceId, BusHandle>;
type Arms = HashMap<LaneId, ArmPort>;
type Messages = HashMap<LaneId, watch::Sender<Message>>;
/// Of the way a lane leads at first, and of the way back.
type TwoDisplays = HashMap<LaneId, [watch::Sender<Message>; 2]>;
type Readers = HashMap<LaneId, Arc<dyn Tell>>;
pub(super) type Passes = HashMap<LaneId, PassPort>;

/// What is put together before the writer runs.
pub(super) struct Parts {
    pub(super) app: App,
    pub(super) health: Health,
    pub(super) cameras: Cameras,
    pub(super) pushers: PushDevices,
    calls: Calls,
    pub(super) orders: Orders,
    pub(super) probes: Probes,
    pub(super) tasks: JoinSet<()>,
}

impl Parts {
    pub(super) fn new(site: &Site, app: &App) -> Result<Self, StartError> {
        let health = Health::new(site.rate);
        let wrong = |e: SetupError| StartError::Device {
            device: site.devices.keys().next().cloned().unwrap_or_else(|| fallback("mqtt")),
            what: e.to_string(),
        };
        let cameras = Cameras::of(site, &health).map_err(wrong)?;
        let (pushers, calls) = PushDevices::of(site, &health).map_err(wrong)?;
        Ok(Self {
            app: app.clone(),
            health,
            cameras,
            pushers,
            calls,
            orders: Orders::default(),
            probes: Probes::new(),
            tasks: JoinSet::new(),
        })
    }

    #[cfg(feature = "embedded-broker")]
    pub(super) fn broker(
        &self,
        site: &Site,
        keys: &keys::SiteKeys,
    ) -> Result<Option<crate::io::broker::Broker>, StartError> {
        use crate::io::broker::{Broker, Settings};
        if site.mqtt.url.is_some() {
            return Ok(None);
        }
        let settings = Settings {
            listen: site.mqtt.listen,
            accounts: super::accounts::accounts(site, &self.cameras, &keys.broker_password),
            // What is above the site's limit is told of by the daemon, so the broker lets some of it through.
            rate: Some(crate::io::bucket::Rate {
                per_s: site.rate.per_s.saturating_mul(4),
                burst: site.rate.burst.saturating_mul(2),
            }),
            ..Settings::default()
        };
        Ok(Some(Broker::start(settings)?))
    }

    pub(super) fn link(
        &self,
        site: &Site,
        keys: &keys::SiteKeys,
        embedded: Option<SocketAddr>,
        sink: mpsc::Sender<crate::io::mqtt::Incoming>,
    ) -> Result<Link, StartError> {
        let (url, password) = match (&site.mqtt.url, embedded) {
            (Some(url), _) => (url.clone(), external_password(site)),
            (None, Some(at)) => (format!("mqtt://{at}"), keys.broker_password.as_str()),
            (None, None) => return Err(StartError::NoBroker),
        };
        let settings = link_settings(site, url, password);
        Ok(Link::start(&settings, self.cameras.filters(), sink)?)
    }

    /// How strangers are listened to at a broker of the site's own.
    pub(super) fn ears(&self, site: &Site) -> Option<Ears> {
        let settings = link_settings(site, site.mqtt.url.clone()?, external_password(site));
        let client_id = format!("{}-learn", settings.client_id);
        let settings = Box::new(LinkSettings { client_id, clean: true, ..settings });
        Some(Ears::Broker { settings, cameras: self.cameras.clone() })
    }

    /// Opens every line and puts the boards on it; gives the arm or turnstile of each lane.
    pub(super) fn boards(&mut self, site: &Site) -> Result<(Buses, Arms, Passes), StartError> {
        let mut buses = BTreeMap::new();
        for (id, bus) in &site.buses {
            let on_it = |device: &&crate::config::Device| device.bus.as_ref() == Some(id);
            if site.devices.values().filter(on_it).any(|d| d.profile.protocol.needs_own_line()) {
                // Opened by whoever listens on it.
                continue;
            }
            let path = bus.path.to_string_lossy().into_owned();
            let settings =
                SerialSettings { path, baud: bus.baud, gap: LINE_GAP, framing: bus.framing };
            buses.insert(id.clone(), Bus::open(settings));
        }
        let (mut arms, mut passes) = (HashMap::new(), HashMap::new());
        for (id, device) in &site.devices {
            let lanes: Vec<_> = site.lanes.values().filter(|lane| lane.barrier == *id).collect();
            let gates: Vec<_> = site.gates.values().filter(|gate| gate.turnstile == *id).collect();
            if device.profile.protocol == Protocol::LotTurnstile {
                self.turnstile(site, device, &gates, &buses, &mut passes)?;
                continue;
            }
            if lanes.is_empty() && gates.is_empty() {
                continue;
            }
            if device.profile.protocol == Protocol::ModbusRelay {
                let wired = (lanes.as_slice(), gates.as_slice());
                self.relay_board(site, device, wired, &buses, &mut arms, &mut passes)?;
                continue;
            }
            for lane in lanes {
                let port = self.own_relay(&lane.id).ok_or_else(|| StartError::Device {
                    device: id.clone(),
                    what: format!(
                        "it cannot move the arm of lane {}: one device moves one arm",
                        lane.id
                    ),
                })?;
                arms.insert(lane.id.clone(), port);
            }
        }
        Ok((buses, arms, passes))
    }

    /// The device on MQTT or HTTP that moves the lane's arm.
    fn own_relay(&self, lane: &LaneId) -> Option<ArmPort> {
        let moves = |wiring: &Wiring| wiring.moves.as_ref().is_some_and(|(moved, _)| moved == lane);
        let camera = self.cameras.all().find(|camera| moves(&camera.wiring));
        let device = || self.pushers.all().find(|device| moves(&device.wiring));
        camera
            .map(|camera| ArmPort::Mqtt { camera: Arc::clone(camera) })
            .or_else(|| device().map(|device| ArmPort::Push { device: Arc::clone(device) }))
    }

    /// Starts a task for each device that we call, and makes the tests of devices on the network.
    pub(super) fn callers(
        &mut self,
        site: &Site,
        intake: &Intake,
        link: &Link,
    ) -> Result<(), StartError> {
        for camera in self.cameras.all() {
            let Some(device) = site.devices.get(&camera.wiring.id) else { continue };
            let probe = probes::camera(device, camera, link, &self.orders, &site.rules.zone);
            self.probes.extend(probe.map(|probe| (device.id.clone(), probe)));
        }
        for (push, jobs) in std::mem::take(&mut self.calls) {
            let Some(device) = site.devices.get(&push.wiring.id) else { continue };
            let Some(url) = device.url.clone() else { continue };
            let ms =
                |ms: Option<u32>, usual: u32| Duration::from_millis(ms.unwrap_or(usual).into());
            let reach = Reach {
                url,
                login: site.mqtt.secrets.login(device.id.as_str()).cloned(),
                patience: ms(device.profile.timings.reply_timeout_ms, 2_000),
                poll: ms(device.profile.timings.poll_ms, 1_000),
            };
            let probe = probes::called(&push);
            self.probes.extend(probe.map(|probe| (device.id.clone(), probe)));
            let caller = Caller::new(push, intake.clone(), reach)
                .map_err(|what| StartError::Device { device: device.id.clone(), what })?;
            self.tasks.spawn(caller.run(jobs));
        }
        Ok(())
    }

    /// The lane whose arm each device moves.
    pub(super) fn movers(site: &Site) -> HashMap<DeviceId, LaneId> {
        site.lanes.values().map(|lane| (lane.barrier.clone(), lane.id.clone())).collect()
    }

    fn relay_board(
        &mut self,
        site: &Site,
        device: &crate::config::Device,
        (lanes, gates): (&[&crate::config::Lane], &[&crate::config::Gate]),
        buses: &Buses,
        arms: &mut Arms,
        passes: &mut Passes,
    ) -> Result<(), StartError> {
        let wrong = |what: String| StartError::Device { device: device.id.clone(), what };
        let board =
            RelayBoard::new(&device.profile, device.address).map_err(|e| wrong(e.to_string()))?;
        let bus = device.bus.as_ref().and_then(|bus| buses.get(bus)).cloned();
        let bus = bus.ok_or_else(|| wrong("its bus does not exist".into()))?;
        let (jobs_tx, jobs) = mpsc::channel(JOBS_MAX);
        let mut inputs = HashMap::new();
        for lane in lanes {
            let settings = board.settings();
            let open_relay = lane.open_relay.unwrap_or(settings.open_relay);
            let close_relay = lane.close_relay.or(settings.close_relay);
            let sensors = lane
                .inputs
                .iter()
                .map(|(input, sensor)| (*input, Wire::Lane(lane.id.clone(), *sensor)));
            let help = lane.help.map(|input| (input, Wire::Help(lane.id.clone())));
            super::gates::wire(&mut inputs, sensors, lane.fire, help).map_err(wrong)?;
            let jobs = jobs_tx.clone();
            arms.insert(lane.id.clone(), ArmPort::Board { jobs, open_relay, close_relay });
        }
        for gate in gates {
            let passage = super::gates::passage(site, gate);
            super::gates::wire(&mut inputs, passage, gate.fire, None).map_err(wrong)?;
            let port = super::gates::relays(site, gate, board.settings(), jobs_tx.clone());
            passes.insert(gate.id.clone(), port);
        }
        let pulse = self.health.register(&device.id, &device.profile, None);
        let timings = device.profile.timings;
        let ms = |ms: Option<u32>, usual: u32| Duration::from_millis(ms.unwrap_or(usual).into());
        let reply_timeout = ms(timings.reply_timeout_ms, 300);
        let probe = probes::board(board.clone(), bus.clone(), reply_timeout, pulse.clone());
        self.probes.insert(device.id.clone(), probe);
        let board = Board {
            id: device.id.clone(),
            pulse,
            app: self.app.clone(),
            bus,
            board,
            inputs,
            lanes: lanes.iter().map(|lane| lane.id.clone()).collect(),
            gates: gates.iter().map(|gate| gate.id.clone()).collect(),
            poll: ms(timings.poll_ms, 100),
            reply_timeout,
            open_pulse_ms: timings.open_pulse_ms.unwrap_or(500),
            close_pulse_ms: timings.close_pulse_ms.unwrap_or(500),
        };
        self.tasks.spawn(board.run(jobs));
        Ok(())
    }

    /// A place for each lane's message, and a task for each display that shows it.
    pub(super) fn displays(
        &mut self,
        site: &Site,
        buses: &Buses,
        link: &Link,
    ) -> Result<(Messages, TwoDisplays), StartError> {
        let (mut messages, mut both) = (HashMap::new(), HashMap::new());
        let texts = Arc::new(site.texts.clone());
        let gates = site.gates.values().map(|gate| (&gate.id, &gate.display));
        let mut shown: Vec<(&Option<DeviceId>, watch::Receiver<Message>)> = Vec::new();
        for (lane, display) in site.lanes.values().map(|l| (&l.id, &l.display)).chain(gates) {
            let (tx, rx) = watch::channel(Message::Faulty);
            messages.insert(lane.clone(), tx);
            match site.lanes.get(lane).filter(|lane| lane.display_back.is_some()) {
                Some(two) => {
                    let (first, of_first) = watch::channel(Message::Faulty);
                    let (back, of_back) = watch::channel(Message::LaneClosed);
                    both.insert(lane.clone(), [first, back]);
                    shown.extend([(display, of_first), (&two.display_back, of_back)]);
                }
                None => shown.push((display, rx)),
            }
        }
        for (display, rx) in shown {
            let Some(device) = display.as_ref().and_then(|id| site.devices.get(id)) else {
                continue;
            };
            let wrong = |what: String| StartError::Device { device: device.id.clone(), what };
            let screen = Screen::new(&device.profile).map_err(|e| wrong(e.to_string()))?;
            let port = self.frame_port(site, device, buses, link).map_err(wrong)?;
            let probe = probes::display(screen.clone(), Arc::clone(&port));
            self.probes.insert(device.id.clone(), probe);
            let display = Display {
                id: device.id.clone(),
                app: self.app.clone(),
                pulse: self.health.register(&device.id, &device.profile, None),
                screen,
                port,
                pause: Duration::ZERO,
            };
            self.tasks.spawn(display.run(rx, Arc::clone(&texts)));
        }
        Ok((messages, both))
    }

    /// Lanes that lead both ways in turn, with what stands at each end.
    pub(super) fn two_ways(
        site: &Site,
        mut displays: TwoDisplays,
        mut backs: Readers,
    ) -> HashMap<LaneId, TwoWays> {
        let two = site.lanes.keys().filter_map(|id| {
            let (displays, back) = (displays.remove(id), backs.remove(id));
            (displays.is_some() || back.is_some())
                .then(|| (id.clone(), TwoWays::new(displays, back)))
        });
        two.collect()
    }

    /// A task for each sign, and the one that tells them how full the zones are.
    pub(super) fn signs(
        &mut self,
        site: &Site,
        buses: &Buses,
        link: &Link,
        rules: &Arc<crate::core::Rules>,
    ) -> Result<(), StartError> {
        let mut signs = Vec::new();
        for sign in &site.signs {
            let Some(device) = site.devices.get(&sign.device) else { continue };
            let wrong = |what: String| StartError::Device { device: device.id.clone(), what };
            let screen = Screen::new(&device.profile).map_err(|e| wrong(e.to_string()))?;
            let port = self.frame_port(site, device, buses, link).map_err(wrong)?;
            let probe = probes::display(screen.clone(), Arc::clone(&port));
            self.probes.insert(device.id.clone(), probe);
            let display = Display {
                id: device.id.clone(),
                app: self.app.clone(),
                pulse: self.health.register(&device.id, &device.profile, None),
                screen,
                port,
                pause: sign.every,
            };
            let (tx, rx) = watch::channel(Filled { lines: Vec::new(), voice: None });
            self.tasks.spawn(display.run_sign(rx));
            signs.push((sign.clone(), tx));
        }
        let counts = Counts {
            app: self.app.clone(),
            rules: Arc::clone(rules),
            link: link.clone(),
            kept: site.mqtt.url.is_some(),
            signs,
        };
        self.tasks.spawn(counts.run());
        Ok(())
    }

    /// The display's line, or the serial port of the camera it hangs on.
    fn frame_port(
        &self,
        site: &Site,
        device: &crate::config::Device,
        buses: &Buses,
        link: &Link,
    ) -> Result<Arc<dyn FramePort>, String> {
        let Some((via, channel)) = &device.via else {
            let bus = device.bus.as_ref().and_then(|bus| buses.get(bus)).cloned();
            return bus.map_or_else(
                || Err("its bus does not exist".into()),
                |bus| Ok(Arc::new(bus) as _),
            );
        };
        let camera = self.teller(site, via, link);
        let camera = camera.ok_or_else(|| format!("{via} takes no bytes for its serial port"))?;
        Ok(Arc::new(CameraPort::new(self.app.clone(), via.clone(), camera, *channel)))
    }

    /// How a device on MQTT or HTTP is told, by any duty of its box.
    fn teller(&self, site: &Site, id: &DeviceId, link: &Link) -> Option<Arc<dyn Tell>> {
        let sn_of = |id: &DeviceId| site.devices.get(id).and_then(|one| one.sn.as_ref());
        let is_it = |wiring: &Wiring| {
            wiring.id == *id || (sn_of(id).is_some() && sn_of(&wiring.id) == sn_of(id))
        };
        if let Some(camera) = self.cameras.all().find(|camera| is_it(&camera.wiring)) {
            return Some(Arc::new(OverMqtt { camera: Arc::clone(camera), link: link.clone() }));
        }
        let device = self.pushers.all().find(|device| is_it(&device.wiring))?;
        Some(device.clone())
    }

    /// How the camera of each lane is told, and that of its way back.
    pub(super) fn readers(&self, site: &Site, link: &Link) -> (Readers, Readers) {
        let (mut readers, mut backs) = (Readers::new(), Readers::new());
        let mut put = |wiring: &Wiring, lane: LaneId, tell: Arc<dyn Tell>| {
            let of = site.lanes.get(&lane);
            let is_back = of.is_some_and(|lane| lane.camera_back.as_ref() == Some(&wiring.id));
            let into = if is_back { &mut backs } else { &mut readers };
            into.insert(lane, tell);
        };
        for camera in self.cameras.all() {
            let Some(lane) = camera.wiring.reads.clone() else { continue };
            let over = OverMqtt { camera: Arc::clone(camera), link: link.clone() };
            put(&camera.wiring, lane, Arc::new(over));
        }
        for device in self.pushers.all() {
            let Some(lane) = device.wiring.reads.clone() else { continue };
            put(&device.wiring, lane, device.clone());
        }
        (readers, backs)
    }
}

fn external_password(site: &Site) -> &str {
    site.mqtt.secrets.mqtt("daemon").unwrap_or_default()
}

fn link_settings(site: &Site, url: String, password: &str) -> LinkSettings {
    LinkSettings {
        url,
        username: site.mqtt.username.clone(),
        password: password.to_owned(),
        client_id: site.mqtt.client_id.clone(),
        ..LinkSettings::default()
    }
}

fn fallback(id: &str) -> DeviceId {
    DeviceId::parse(id).unwrap_or_else(|| unreachable!("{id} is a device id"))
}
