//! Devices that talk at a broker, each with the twin of its make.

use paifang_devices::Profile;
use paifang_sim::wire::{
    Camera, Frigate, FrigateSettings, MqttAccount, Qianyi, QianyiSettings, Shelly, ShellySettings,
    Tasmota, TasmotaSettings, Twin,
};

use crate::{
    Used,
    duty::{Manners, duty},
    support::*,
};

pub(crate) async fn cycle(profile: &Profile) -> Used {
    let sn = "7d20e1ab03c94f6e";
    let mut site = Site::start(profile, sn).await;
    let account = MqttAccount::new(site.broker.addr(), sn, PASSWORD);
    let (twin, manners): (Box<dyn Twin>, Manners) = match profile.make.as_str() {
        "Vzenith" => {
            let twice = Manners { twice: true, pictures: true, ..Manners::default() };
            (Box::new(Camera::start(site.camera())), twice)
        }
        "Qianyi" => {
            let insists =
                Manners { insists: true, pictures: true, replays: true, ..Manners::default() };
            (Box::new(Qianyi::start(QianyiSettings::new(account, sn))), insists)
        }
        "Frigate" => {
            let settings = FrigateSettings::new(account, sn);
            let corrects = Manners { corrects: true, ..Manners::default() };
            (Box::new(Frigate::start(settings)), corrects)
        }
        "Tasmota" => {
            let settings = TasmotaSettings::new(account, sn);
            (Box::new(Tasmota::start(settings)), Manners::default())
        }
        "Shelly" => {
            let settings = ShellySettings::new(account, sn);
            (Box::new(Shelly::start(settings)), Manners::default())
        }
        make => panic!("{}: no twin of {make}", profile.name),
    };
    site.until_online(&*twin).await;
    duty(profile, &mut site, &*twin, manners).await
}
