//! A Qianyi camera at the embedded broker, heard and answered by the daemon's driver.

use paifang_devices::{DeviceEvent, PlateRead, Profile};
use paifang_sim::wire::{
    CameraEvent, CameraFaults, MqttAccount, Qianyi, QianyiSettings, Sighting, Twin,
};

use crate::support::*;

const SN: &str = "1b7e812009cad088";

async fn read(site: &mut Site) -> PlateRead {
    match site.event().await {
        DeviceEvent::PlateRead(read) => *read,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_registers_on_either_topic_and_keeps_what_it_saw_alone() {
    for (qymqtt, shouts) in [(false, false), (true, true)] {
        let mut site = Site::start(&Profile::find("camera/qianyi-mqtt").unwrap(), SN).await;
        let account = MqttAccount::new(site.broker.addr(), SN, PASSWORD);
        let settings = QianyiSettings { qymqtt, shouts, ..QianyiSettings::new(account, SN) };
        let camera = Qianyi::start(settings);
        site.until_online(&camera).await;

        camera.body().set_power(false);
        let mut online = camera.body().online();
        within("the camera", online.wait_for(|on| !*on)).await.unwrap();
        let alone = camera.read(&Sighting::of("京A00001"));
        assert_eq!(camera.body().records_len(), 1);
        let mut events = camera.body().events();
        camera.body().set_power(true);
        let record = read(&mut site).await;
        assert_eq!((record.plate.as_deref(), record.live), (Some("京A00001"), false));

        let twice = CameraFaults { duplicates: true, ..CameraFaults::default() };
        camera.body().set_faults(twice);
        let number = camera.read(&Sighting::of("京A00002"));
        let copies = [read(&mut site).await, read(&mut site).await];
        assert!(copies[0].live && copies[0].event_id == copies[1].event_id);
        let mut taken = Vec::new();
        while !(taken.contains(&alone) && taken.contains(&number)) {
            if let CameraEvent::Taken { number } = next(&mut events).await {
                taken.push(number);
            }
        }
    }
}
