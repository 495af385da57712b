//! Devices that call us over HTTP, and those we call, each with the twin of its make. Orders to the
//! latter go by curl: a digest client that is not ours.

use std::{process::Command as Program, time::Duration};

use paifang_devices::{
    ArmPosition, Call, Capability, Command, Delivery, DeviceEvent, HttpPush, Profile, PushRequest,
    Pushed,
};
use paifang_sim::wire::{
    AlertManner, Hikvision, HikvisionSettings, VzenithHttp, VzenithHttpSettings, Webhook,
    WebhookMake, WebhookSettings,
};

use crate::{
    Used,
    duty::{Manners, Near, duty},
    support::*,
    web::{Asked, Web},
};

const SN: &str = "fe71e106-57263272";
const NOW_MS: i64 = 1_795_000_000_000;
const SOON: Duration = Duration::from_millis(20);

pub(crate) async fn cycle(profile: &Profile) -> Used {
    let insists = Manners { insists: true, pictures: true, ..Manners::default() };
    let replays = Manners { replays: true, ..insists };
    match profile.make.as_str() {
        make @ ("Vzenith" | "AlphaDigi") => {
            let mut near = HttpSite::start(profile, Some(SN)).await;
            let settings = VzenithHttpSettings::new(&near.web.url, SN);
            let insists = make == "AlphaDigi";
            let twin = VzenithHttp::start(VzenithHttpSettings {
                insists,
                resends_after: SOON,
                ..settings
            });
            duty(profile, &mut near, &twin, replays).await
        }
        "Hikvision" => hikvision(profile, replays).await,
        "Plate Recognizer" => {
            let forms = [false, true].map(|multipart| WebhookMake::PlateRecognizer { multipart });
            webhook(profile, &forms, Manners { pictures: false, ..insists }).await
        }
        "Huaxia Zhixin" => {
            let forms = [false, true].map(|bare| WebhookMake::Huaxia { bare });
            webhook(profile, &forms, insists).await
        }
        "Dahua" => webhook(profile, &[WebhookMake::Itsapi], insists).await,
        make => panic!("{}: no twin of {make}", profile.name),
    }
}

/// One cycle for each way in which the make writes.
async fn webhook(profile: &Profile, makes: &[WebhookMake], manners: Manners) -> Used {
    let mut used = Used::new();
    for make in makes {
        let mut near = HttpSite::start(profile, None).await;
        let settings = WebhookSettings::new(*make, &near.web.url, SN);
        let twin = Webhook::start(WebhookSettings { resends_after: SOON, ..settings });
        used.extend(duty(profile, &mut near, &twin, manners).await);
    }
    used
}

async fn hikvision(profile: &Profile, manners: Manners) -> Used {
    let mut used = Used::new();
    let as_parts = [AlertManner::default(), AlertManner::all()[1]];
    for manner in AlertManner::all() {
        let mut near = HttpSite::start(profile, None).await;
        let settings = HikvisionSettings::new(&near.web.url, SN);
        let twin = Hikvision::start(HikvisionSettings { manner, ..settings }).unwrap();
        near.camera = Some(twin.clone());
        let pictures = as_parts.contains(&manner) || manner.float_confidence;
        let manners = Manners { pictures, ..manners };
        if profile.can(Capability::Position) {
            near.stands(ArmPosition::Closed).await;
        }
        used.extend(duty(profile, &mut near, &twin, manners).await);
        if profile.can(Capability::Position) {
            near.order(&Command::PulseOpen).await;
            near.stands(ArmPosition::Open).await;
            twin.set_locked(true);
            // It says yes; the position is all that tells.
            near.order(&Command::PulseClose).await;
            near.stands(ArmPosition::Open).await;
            used.insert(Capability::Position);
        }
    }
    used
}

/// The daemon's end of one device's pushes.
struct HttpSite {
    web: Web,
    driver: HttpPush,
    /// The newest request that is worth keeping until there is an order.
    poll: Option<(Asked, Pushed)>,
    camera: Option<Hikvision>,
}

impl HttpSite {
    async fn start(profile: &Profile, sn: Option<&str>) -> Self {
        let (web, driver) = (Web::start().await, HttpPush::new(profile, sn).unwrap());
        let mut site = Self { web, driver, poll: None, camera: None };
        site.driver.set_utc_offset(8 * 3_600);
        site
    }

    /// The next request, understood.
    async fn heard(&mut self) -> (Asked, Pushed) {
        let asked = self.web.next().await;
        let request = PushRequest {
            path: &asked.path,
            query: &asked.query,
            content_type: asked.content_type.as_deref(),
            body: &asked.body,
        };
        let pushed = self.driver.decode(&request, NOW_MS).unwrap();
        (asked, pushed)
    }

    fn reply(&self, asked: Asked, pushed: &Pushed, order: Option<&Command>) {
        let orders: Vec<_> = order.into_iter().map(|one| (one.clone(), "c-1".into())).collect();
        let reply = self.driver.reply(pushed, &orders, NOW_MS).unwrap();
        assert_eq!(reply.taken, orders.len());
        asked.answer(&reply.content_type, reply.body);
    }

    async fn stands(&mut self, wanted: ArmPosition) {
        let call = self.driver.position_call().unwrap();
        within("the arm", async {
            while self.call(&call).await != DeviceEvent::Position(wanted) {}
        })
        .await;
    }

    /// What the camera answers.
    async fn call(&self, call: &Call) -> DeviceEvent {
        let camera = self.camera.as_ref().unwrap();
        assert!(call.digest);
        let mut curl = Program::new("curl");
        curl.args(["-s", "-m", "5", "--digest", "-w", "\n%{http_code}", "-X", &call.method])
            .args(["-u", &format!("admin:{}", camera.settings().password)])
            .arg(format!("http://{}{}", camera.addr(), call.path));
        if !call.body.is_empty() {
            curl.arg("-H").arg(format!("Content-Type: {}", call.content_type));
            curl.arg("-d").arg(String::from_utf8(call.body.clone()).unwrap());
        }
        let told = tokio::task::spawn_blocking(move || curl.output().unwrap()).await.unwrap();
        let text = String::from_utf8(told.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap();
        self.driver.answered(call, status.parse().unwrap(), body.as_bytes())
    }
}

impl Near for HttpSite {
    async fn event(&mut self) -> DeviceEvent {
        loop {
            let (asked, mut pushed) = self.heard().await;
            let event = pushed.events.pop();
            if matches!(event, None | Some(DeviceEvent::KeepAlive { .. })) && pushed.takes_orders {
                self.poll = Some((asked, pushed));
                continue;
            }
            self.reply(asked, &pushed, None);
            if let Some(event) = event.filter(|one| !matches!(one, DeviceEvent::KeepAlive { .. })) {
                return event;
            }
        }
    }

    async fn order(&mut self, command: &Command) {
        match self.driver.delivery(command) {
            Delivery::InReply => {
                let (asked, pushed) = loop {
                    let (asked, pushed) = match self.poll.take() {
                        Some(poll) => poll,
                        None => self.heard().await,
                    };
                    if pushed.takes_orders {
                        break (asked, pushed);
                    }
                    self.reply(asked, &pushed, None);
                };
                self.reply(asked, &pushed, Some(command));
            }
            Delivery::ByCall => {
                let call = self.driver.call(command, "c-1", NOW_MS).unwrap();
                let DeviceEvent::CommandReply { id, accepted, .. } = self.call(&call).await else {
                    panic!("{command:?}")
                };
                assert!(accepted && id == "c-1", "{command:?}");
            }
            Delivery::None => panic!("{command:?} does not reach the device"),
        }
    }
}
