//! What is known of every device's own state: when it was last heard, how fast it answers, what failed, whether it
//! floods. Every device registers here, whatever carries its words. Tells the core by inputs and decides nothing.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use metrics::counter;
use paifang_devices::{Capability, DeviceEvent, Profile};
use tokio::sync::{Notify, broadcast};
use tracing::{info, warn};

use super::{spoken, vitals::Vitals};
use crate::{
    app::App,
    core::{AlarmKind, Input},
    http::ports::{DeviceReport, Fault, Spoken},
    io::bucket::Rate,
    types::DeviceId,
};

/// Nonsense and wrong keys of one device are told once in this time at the most.
const TOLD_PAUSE: Duration = Duration::from_mins(1);
/// An alarm over nonsense ends when none came for this long.
const NONSENSE_CALM: Duration = Duration::from_mins(10);
/// A flood is over when nothing was dropped for this long.
const FLOOD_CALM: Duration = Duration::from_secs(10);
/// How often silent devices are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// Things said that a slow listener may be behind.
const SPOKEN_MAX: usize = 256;
/// Inputs that wait to be told. One for each device and kind is the most there can be for long.
const NEWS_MAX: usize = 1_024;

/// The registry. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Health {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    rate: Rate,
    devices: Mutex<BTreeMap<DeviceId, Vitals>>,
    /// Another duty of a box that is known by its first name.
    duties: Mutex<BTreeMap<DeviceId, (DeviceId, Profile)>>,
    news: Mutex<VecDeque<Input>>,
    told: Notify,
    spoken: broadcast::Sender<Arc<Spoken>>,
}

impl Health {
    /// `rate`: what each device may send; the rest is dropped.
    pub fn new(rate: Rate) -> Self {
        let shared = Shared {
            rate,
            devices: Mutex::default(),
            duties: Mutex::default(),
            news: Mutex::default(),
            told: Notify::new(),
            spoken: broadcast::Sender::new(SPOKEN_MAX),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Makes a device known. `silence`: told as silent when nothing was heard of it for so long; `None`: it speaks only
    /// when something happens, or whoever polls it tells.
    pub fn register(&self, id: &DeviceId, profile: &Profile, silence: Option<Duration>) -> Pulse {
        let (now, _) = clock();
        let vitals = Vitals::new(id.clone(), profile, silence, now);
        self.devices().insert(id.clone(), vitals);
        Pulse { id: id.clone(), health: self.clone() }
    }

    /// `id` is the same box as `known`, in another duty.
    pub fn also(&self, id: &DeviceId, profile: &Profile, known: &DeviceId) {
        lock(&self.shared.duties).insert(id.clone(), (known.clone(), profile.clone()));
    }

    /// All devices, in the order of their names.
    pub fn reports(&self) -> Vec<DeviceReport> {
        let devices = self.devices();
        let mut reports: Vec<_> = devices.values().map(Vitals::report).collect();
        for (id, (known, profile)) in &*lock(&self.shared.duties) {
            let report = devices.get(known).map(Vitals::report);
            reports.extend(report.map(|report| DeviceReport {
                id: id.clone(),
                profile: profile.name.clone(),
                movable: profile.can(Capability::PulseOpen),
                ..report
            }));
        }
        reports.sort_by(|a, b| a.id.cmp(&b.id));
        reports
    }

    pub fn live(&self) -> broadcast::Receiver<Arc<Spoken>> {
        self.shared.spoken.subscribe()
    }

    /// Looks for silence, and tells the core what there is to tell, until the daemon stops.
    pub async fn watch(self, app: App) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = look.tick() => self.look(),
                () = self.shared.told.notified() => {}
            }
            loop {
                let Some(input) = lock(&self.shared.news).pop_front() else { break };
                if app.submit(input, None).await.is_err() {
                    return;
                }
            }
        }
    }

    fn look(&self) {
        let (now, _) = clock();
        let mut news = Vec::new();
        for vitals in self.devices().values_mut() {
            let subject = vitals.id.to_string();
            if let Some(silence) = vitals.fell_silent(now) {
                warn!(
                    device = subject,
                    "it has said nothing for {silence:?}; check its power, network and account"
                );
                let detail = format!("has said nothing for {} s", silence.as_secs());
                let kind = AlarmKind::DeviceSilent;
                news.push(Input::Trouble { subject: subject.clone(), kind, detail });
            }
            if vitals.flood_is_over(now, FLOOD_CALM) {
                info!(device = subject, dropped = vitals.dropped, "it no longer floods");
                news.push(Input::Well { subject: subject.clone(), kind: AlarmKind::DeviceFlood });
            }
            if vitals.talks_sense_again(now, NONSENSE_CALM) {
                news.push(Input::Well { subject, kind: AlarmKind::DeviceNonsense });
            }
        }
        news.into_iter().for_each(|input| self.tell(input));
    }

    fn tell(&self, input: Input) {
        let mut news = lock(&self.shared.news);
        if news.len() < NEWS_MAX {
            news.push_back(input);
            self.shared.told.notify_one();
        }
    }

    fn devices(&self) -> MutexGuard<'_, BTreeMap<DeviceId, Vitals>> {
        lock(&self.shared.devices)
    }
}

/// One device's place in the registry. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pulse {
    id: DeviceId,
    health: Health,
}

impl Pulse {
    pub fn id(&self) -> &DeviceId {
        &self.id
    }

    fn with<T>(&self, change: impl FnOnce(&mut Vitals, Instant, Timestamp) -> T) -> Option<T> {
        let (now, wall) = clock();
        self.health.devices().get_mut(&self.id).map(|vitals| change(vitals, now, wall))
    }

    /// Whether a message may be looked at. Called before anything else is done with it.
    pub fn admits(&self) -> bool {
        let rate = self.health.shared.rate;
        let (admitted, begins) =
            self.with(|vitals, now, _| vitals.admits(rate, now)).unwrap_or((true, false));
        if !admitted {
            counter!("paifang_device_dropped_total").increment(1);
        }
        if begins {
            let Rate { per_s, burst } = rate;
            warn!(device = %self.id, per_s, burst, "it sends more than is taken; the rest is dropped");
            let detail = format!("sends more than {per_s} messages a second; the rest is dropped");
            self.trouble(AlarmKind::DeviceFlood, detail);
        }
        admitted
    }

    /// It spoke, by itself or in answer.
    pub fn heard(&self) {
        if self.with(Vitals::heard) == Some(true) {
            info!(device = %self.id, "it speaks again");
            self.well(AlarmKind::DeviceSilent);
        }
    }

    /// It answered a command or a poll after so long.
    pub fn answered(&self, took: Duration) {
        self.with(|vitals, _, _| vitals.answered(took));
        self.heard();
    }

    /// It was told something that it does not answer.
    pub fn sent(&self) {
        self.with(|vitals, _, _| vitals.sent());
    }

    pub fn failed(&self, fault: Fault) {
        self.with(|vitals, _, _| vitals.failed(fault));
    }

    /// Whoever polls it finds it silent.
    pub fn is_silent(&self, why: &str) {
        if self.with(|vitals, _, _| !std::mem::replace(&mut vitals.silent, true)) == Some(true) {
            self.trouble(AlarmKind::DeviceSilent, why.to_owned());
        }
    }

    /// It refuses our password; `false`: it may be asked again.
    pub fn locked_out(&self, locked: bool) {
        let was = self.with(|vitals, _, _| std::mem::replace(&mut vitals.locked_out, locked));
        match (was, locked) {
            (Some(false), true) => {
                let detail = "it refused our user and password twice; nothing more is asked of it \
                              until it is tested or the daemon starts anew";
                warn!(device = %self.id, "{detail}");
                self.trouble(AlarmKind::DeviceLogin, detail.to_owned());
            }
            (Some(true), false) => self.well(AlarmKind::DeviceLogin),
            _ => {}
        }
    }

    /// What it said, or the key it said it with, makes no sense. Told once a minute at the most.
    pub fn nonsense(&self, why: &str) {
        counter!("paifang_device_nonsense_total").increment(1);
        if self.with(|vitals, now, _| vitals.nonsense(now, TOLD_PAUSE)) == Some(true) {
            warn!(device = %self.id, why, "a message of it makes no sense; ignored");
            self.trouble(AlarmKind::DeviceNonsense, why.to_owned());
        }
    }

    /// Its clock less ours. `true`: it is time to set it.
    pub fn clock_is_off(&self, offset_ms: i64) -> bool {
        let found = self.with(|vitals, now, _| vitals.clock_is_off(offset_ms, now));
        let Some((set, alarm)) = found else { return false };
        match alarm {
            Some(true) => {
                let detail = format!("its clock is {} s off", offset_ms / 1_000);
                self.trouble(AlarmKind::DeviceClock, detail);
            }
            Some(false) => self.well(AlarmKind::DeviceClock),
            None => {}
        }
        set
    }

    /// Its clock less ours, as far as it says.
    pub fn clock_offset_ms(&self) -> Option<i64> {
        self.with(|vitals, _, _| vitals.clock_offset_ms).flatten()
    }

    /// A read that is old by its clock, of a device that never told its clock otherwise.
    pub fn reads_are_late(&self, late: bool, age_ms: i64) {
        let changed = self.with(|vitals, _, _| {
            vitals.clock_offset_ms.is_none()
                && std::mem::replace(&mut vitals.clock_alarm, late) != late
        });
        match (changed, late) {
            (Some(true), true) => {
                let age_s = age_ms / 1_000;
                let detail = format!(
                    "its live reads are {age_s} s old: its clock is off, or they are kept on the way"
                );
                self.trouble(AlarmKind::DeviceClock, detail);
            }
            (Some(true), false) => self.well(AlarmKind::DeviceClock),
            _ => {}
        }
    }

    /// Takes down what concerns health, and tells those who watch.
    pub fn said(&self, event: &DeviceEvent) {
        if let DeviceEvent::Identity { model, firmware } = event {
            self.with(|vitals, _, _| vitals.is_a(model.as_deref(), firmware.as_deref()));
        }
        let spoken = &self.health.shared.spoken;
        if spoken.receiver_count() > 0 {
            let (_, at) = clock();
            let what = spoken::words(event);
            let _ = spoken.send(Arc::new(Spoken { at, device: self.id.clone(), what }));
        }
    }

    fn trouble(&self, kind: AlarmKind, detail: String) {
        self.health.tell(Input::Trouble { subject: self.id.to_string(), kind, detail });
    }

    fn well(&self, kind: AlarmKind) {
        self.health.tell(Input::Well { subject: self.id.to_string(), kind });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This machine's clocks, for ages of devices' messages.
#[expect(
    clippy::disallowed_methods,
    reason = "ages of devices' messages; decided time is the writer's"
)]
pub(super) fn clock() -> (Instant, Timestamp) {
    (Instant::now(), Timestamp::now())
}
