//! All devices of the site as operators and installers see them: how they are, what they say, a test of each. Knows no
//! wire.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::broadcast;

use super::{Health, Strangers};
use crate::{
    app::{App, reading::LastCards},
    core::{Input, lane::OperatorAct},
    http::ports::{DeviceReport, Fleet, Spoken, StrangerReport, TestError, TestReport},
    types::{Code, DeviceId, LaneId},
};

/// How long a device that can be asked nothing is listened to.
const LISTEN: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(100);

/// Does what is harmless with one device: what it found, or what went wrong.
pub type Probe = Arc<dyn Fn() -> BoxFuture<'static, Result<String, String>> + Send + Sync>;
pub type Probes = HashMap<DeviceId, Probe>;

pub struct AppFleet {
    pub app: App,
    pub health: Health,
    pub strangers: Strangers,
    pub probes: Probes,
    pub last_cards: LastCards,
    /// The lane whose arm each device moves.
    pub arms: HashMap<DeviceId, LaneId>,
    /// Opens the ears to strangers for a while; says what that means here.
    pub ears: Box<dyn Fn(Duration) -> Vec<String> + Send + Sync>,
}

impl Fleet for AppFleet {
    fn devices(&self) -> Vec<DeviceReport> {
        let mut reports = self.health.reports();
        for report in &mut reports {
            report.movable &= self.arms.contains_key(&report.id);
        }
        reports
    }

    fn test(
        &self,
        id: String,
        moves: bool,
        who: String,
    ) -> BoxFuture<'_, Result<TestReport, TestError>> {
        Box::pin(async move {
            let report = self.devices().into_iter().find(|report| report.id.as_str() == id);
            let Some(report) = report else { return Err(TestError::NoDevice(id)) };
            if !moves {
                return Ok(self.harmless(report).await);
            }
            let lane = self.arms.get(&report.id).filter(|_| report.movable);
            let lane = lane.ok_or_else(|| TestError::NoArm(report.id.clone()))?.clone();
            self.open(&report.id, lane, who).await
        })
    }

    fn last_cards(&self) -> Vec<(DeviceId, Code, Timestamp)> {
        self.last_cards.all()
    }

    fn live(&self) -> broadcast::Receiver<Arc<Spoken>> {
        self.health.live()
    }

    fn strangers(&self) -> Vec<StrangerReport> {
        self.strangers.reports()
    }

    fn listen(&self, window: Duration) -> Vec<String> {
        (self.ears)(window)
    }
}

impl AppFleet {
    async fn harmless(&self, report: DeviceReport) -> TestReport {
        let done = match self.probes.get(&report.id) {
            Some(probe) => probe().await,
            None => self.listen_to(&report).await,
        };
        let (passed, line) = match done {
            Ok(found) => (true, found),
            Err(why) => (false, why),
        };
        TestReport { passed, lines: vec![line] }
    }

    /// It can be asked nothing: it passes when it says something by itself.
    async fn listen_to(&self, before: &DeviceReport) -> Result<String, String> {
        let messages = |report: &DeviceReport| report.messages;
        let waits = async {
            loop {
                tokio::time::sleep(LOOK).await;
                let now = self.devices().into_iter().find(|report| report.id == before.id);
                if now.is_some_and(|now| messages(&now) > messages(before)) {
                    return;
                }
            }
        };
        match tokio::time::timeout(LISTEN, waits).await {
            Ok(()) => Ok("it cannot be asked anything, but it spoke while listened to".into()),
            Err(_) => Err(format!(
                "it cannot be asked anything and said nothing in {} s; let it see a vehicle, or wait for its heart-beat",
                LISTEN.as_secs()
            )),
        }
    }

    /// As an operator's open: decided and on record before anything moves.
    async fn open(
        &self,
        device: &DeviceId,
        lane: LaneId,
        who: String,
    ) -> Result<TestReport, TestError> {
        let reason = format!("test of device {device}");
        let input = Input::Operator { lane: lane.clone(), act: OperatorAct::Open, who, reason };
        let reply = self.app.tell(input).await.map_err(|_| crate::http::ports::Busy)?;
        reply?;
        let line = format!(
            "lane {lane} was told to open, on record; whether the arm moves is seen at the arm and on the console"
        );
        Ok(TestReport { passed: true, lines: vec![line] })
    }
}

impl fmt::Debug for AppFleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppFleet").field("health", &self.health).finish_non_exhaustive()
    }
}
