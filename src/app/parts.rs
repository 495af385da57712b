//! The parts of a site around the writer: broker, link, relay boards, displays, by what the site file names. Starts
//! their tasks and decides nothing.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use paifang_devices::{Protocol, RelayBoard, Screen};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    App,
    daemon::StartError,
    field::{ArmPort, Board, CameraPort, Cameras, Display, FramePort, Orders},
    keys,
};
use crate::{
    config::Site,
    core::Message,
    io::{
        mqtt::{Link, Settings as LinkSettings},
        serial::{Bus, BusHandle, SerialSettings},
    },
    types::{DeviceId, LaneId},
};

/// Orders that wait for one relay board.
const JOBS_MAX: usize = 16;
/// Silence on a serial line before each request: 3.5 characters at 9600 bits per second, and what boards ask for.
const LINE_GAP: Duration = Duration::from_millis(5);

pub(super) type Buses = BTreeMap<DeviceId, BusHandle>;
type Arms = HashMap<LaneId, ArmPort>;

/// What is put together before the writer runs.
pub(super) struct Parts {
    pub(super) app: App,
    pub(super) cameras: Cameras,
    pub(super) orders: Orders,
    pub(super) tasks: JoinSet<()>,
}

impl Parts {
    pub(super) fn new(site: &Site, app: &App) -> Result<Self, StartError> {
        let cameras = Cameras::of(site).map_err(|e| StartError::Device {
            device: site.devices.keys().next().cloned().unwrap_or_else(|| fallback("mqtt")),
            what: e.to_string(),
        })?;
        let orders = Orders::default();
        Ok(Self { app: app.clone(), cameras, orders, tasks: JoinSet::new() })
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
            (Some(url), _) => (url.clone(), site.mqtt.secrets.mqtt("daemon").unwrap_or_default()),
            (None, Some(at)) => (format!("mqtt://{at}"), keys.broker_password.as_str()),
            (None, None) => return Err(StartError::NoBroker),
        };
        let settings = LinkSettings {
            url,
            username: site.mqtt.username.clone(),
            password: password.to_owned(),
            client_id: site.mqtt.client_id.clone(),
            ..LinkSettings::default()
        };
        Ok(Link::start(&settings, self.cameras.filters(), sink)?)
    }

    /// Opens every line and puts the relay boards on it; gives the arm of each lane.
    pub(super) fn boards(&mut self, site: &Site) -> Result<(Buses, Arms), StartError> {
        let mut buses = BTreeMap::new();
        for (id, bus) in &site.buses {
            let on_it = |device: &&crate::config::Device| device.bus.as_ref() == Some(id);
            if site.devices.values().filter(on_it).any(super::printing::has_line_alone) {
                continue;
            }
            let path = bus.path.to_string_lossy().into_owned();
            let settings =
                SerialSettings { path, baud: bus.baud, gap: LINE_GAP, framing: bus.framing };
            buses.insert(id.clone(), Bus::open(settings));
        }
        let mut arms = HashMap::new();
        for (id, device) in &site.devices {
            let lanes: Vec<_> = site.lanes.values().filter(|lane| lane.barrier == *id).collect();
            if lanes.is_empty() {
                continue;
            }
            if device.profile.protocol == Protocol::ModbusRelay {
                self.relay_board(device, &lanes, &buses, &mut arms)?;
                continue;
            }
            for lane in lanes {
                let camera = self
                    .cameras
                    .all()
                    .find(|c| c.moves.as_ref().is_some_and(|(moved, _)| *moved == lane.id))
                    .cloned();
                let camera = camera.ok_or_else(|| StartError::Device {
                    device: id.clone(),
                    what: format!(
                        "it cannot move the arm of lane {}: one camera moves one arm",
                        lane.id
                    ),
                })?;
                arms.insert(lane.id.clone(), ArmPort::Mqtt { camera });
            }
        }
        Ok((buses, arms))
    }

    fn relay_board(
        &mut self,
        device: &crate::config::Device,
        lanes: &[&crate::config::Lane],
        buses: &Buses,
        arms: &mut Arms,
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
            for (input, sensor) in &lane.inputs {
                if inputs.insert(*input, (lane.id.clone(), *sensor)).is_some() {
                    return Err(wrong(format!("its input {input} is wired to two lanes")));
                }
            }
            let jobs = jobs_tx.clone();
            arms.insert(lane.id.clone(), ArmPort::Board { jobs, open_relay, close_relay });
        }
        let timings = device.profile.timings;
        let ms = |ms: Option<u32>, usual: u32| Duration::from_millis(ms.unwrap_or(usual).into());
        let board = Board {
            id: device.id.clone(),
            app: self.app.clone(),
            bus,
            board,
            inputs,
            lanes: lanes.iter().map(|lane| lane.id.clone()).collect(),
            poll: ms(timings.poll_ms, 100),
            reply_timeout: ms(timings.reply_timeout_ms, 300),
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
    ) -> Result<HashMap<LaneId, watch::Sender<Message>>, StartError> {
        let mut messages = HashMap::new();
        let texts = Arc::new(site.texts.clone());
        for lane in site.lanes.values() {
            let (tx, rx) = watch::channel(Message::Faulty);
            messages.insert(lane.id.clone(), tx);
            let Some(device) = lane.display.as_ref().and_then(|id| site.devices.get(id)) else {
                continue;
            };
            let wrong = |what: String| StartError::Device { device: device.id.clone(), what };
            let display = Display {
                id: device.id.clone(),
                app: self.app.clone(),
                screen: Screen::new(&device.profile).map_err(|e| wrong(e.to_string()))?,
                port: self.frame_port(site, device, buses, link).map_err(wrong)?,
                texts: Arc::clone(&texts),
            };
            self.tasks.spawn(display.run(rx));
        }
        Ok(messages)
    }

    /// The display's line, or the serial port of the camera it hangs on.
    fn frame_port(
        &self,
        site: &Site,
        device: &crate::config::Device,
        buses: &Buses,
        link: &Link,
    ) -> Result<Box<dyn FramePort>, String> {
        let Some((via, channel)) = &device.via else {
            let bus = device.bus.as_ref().and_then(|bus| buses.get(bus)).cloned();
            return bus.map_or_else(
                || Err("its bus does not exist".into()),
                |bus| Ok(Box::new(bus) as _),
            );
        };
        let sn_of = |id: &DeviceId| site.devices.get(id).and_then(|one| one.sn.as_ref());
        let camera = self.cameras.all().find(|camera| sn_of(&camera.id) == sn_of(via)).cloned();
        let camera = camera.ok_or_else(|| format!("{via} is no camera on MQTT"))?;
        Ok(Box::new(CameraPort::new(self.app.clone(), link.clone(), camera, *channel)))
    }

    pub(super) fn readers(&self) -> HashMap<LaneId, Arc<super::field::Camera>> {
        self.cameras
            .all()
            .filter_map(|camera| Some((camera.reads.clone()?, Arc::clone(camera))))
            .collect()
    }
}

fn fallback(id: &str) -> DeviceId {
    DeviceId::parse(id).unwrap_or_else(|| unreachable!("{id} is a device id"))
}
