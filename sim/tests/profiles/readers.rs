//! Card readers on one line: one with a key, one without, one that is dead.

use std::time::Duration;

use osdp::{
    command::Command,
    reply::{Raw, Reply},
};
use paifang::{
    app::{
        Busy,
        field::{Reader, ReaderSink, SIGNALS_MAX},
    },
    io::serial::{Bus, Framing, LineStatus, SerialSettings},
    types::DeviceId,
};
use paifang_devices::{
    Capability, DeviceEvent, IdCardPanel, IdNumber, OsdpPanel, Profile,
    osdp::{Signal, Told},
};
use paifang_sim::wire::{IdReader, Pty, ReaderFaults, ReaderSettings, Readers};
use tokio::sync::mpsc;

use crate::{Used, support::*};

const KEY: [u8; 16] = *b"a key for a site";
const KEY_TEXT: &str = "61206b657920666f7220612073697465";
const SECURE: u8 = 3;
const PLAIN: u8 = 4;
const DEAD: u8 = 9;

struct Sink(mpsc::UnboundedSender<(DeviceId, Told)>);

impl ReaderSink for Sink {
    async fn tell(&mut self, reader: &DeviceId, told: Told) -> Result<(), Busy> {
        self.0.send((reader.clone(), told)).map_err(|_| Busy::Stopped)
    }
}

fn settings(address: u8, key: Option<[u8; 16]>) -> ReaderSettings {
    ReaderSettings { address, key, install: false, plain: key.is_none() }
}

/// Online, card, lamp and buzzer, of two readers in turns beside a dead one.
pub(crate) async fn cycle(profile: &Profile) -> Used {
    let addresses = [(SECURE, Some(KEY)), (PLAIN, None), (DEAD, None)];
    let readers = addresses.map(|(address, key)| settings(address, key)).to_vec();
    let line = Readers::start(Pty::open().unwrap(), readers);
    line.with(DEAD, |one| one.faults = ReaderFaults { silent: true, ..ReaderFaults::default() });
    let bus = Bus::open(SerialSettings {
        path: line.path().to_str().unwrap().to_owned(),
        baud: profile.baud().unwrap(),
        gap: Duration::from_millis(2),
        framing: Framing::default(),
    });
    within("the port", bus.status().wait_for(|status| *status == LineStatus::Up)).await.unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut signals = Vec::new();
    for (address, key) in addresses {
        let key = key.map(|_| KEY_TEXT.parse().unwrap());
        let reader = Reader {
            id: id(address),
            bus: bus.clone(),
            panel: OsdpPanel::new(profile, Some(address), key, false).unwrap(),
            reply_timeout: Duration::from_millis(100),
        };
        let (signal, signalled) = mpsc::channel(SIGNALS_MAX);
        signals.push((address, signal));
        tokio::spawn(reader.run(Sink(tell.clone()), signalled));
    }
    let mut online = [false; 2];
    while online != [true; 2] {
        let (reader, told) = within("the readers", told.recv()).await.unwrap();
        if let Told::Online { secure } = told {
            assert_eq!(reader, id(if secure { SECURE } else { PLAIN }));
            online[usize::from(secure)] = true;
        }
    }
    for (address, signal) in signals.iter().filter(|(address, _)| *address != DEAD) {
        let card = Raw { reader: 0, format_code: 1, bit_count: 32, bits: vec![*address, 1, 2, 3] };
        line.with(*address, |one| one.tell(Reply::Raw(card)));
        let event = within("the card", async {
            loop {
                match told.recv().await.unwrap() {
                    (reader, Told::Event(event)) if reader == id(*address) => return event,
                    (reader, Told::Offline) => assert_eq!(reader, id(DEAD)),
                    _ => {}
                }
            }
        });
        let data = vec![*address, 1, 2, 3];
        assert_eq!(event.await, DeviceEvent::CardRead { bits: 32, data });
        signal.send(Signal::Granted).await.unwrap();
        let shown = line.until(*address, |one| one.signals().len() == 2);
        within("lamp and buzzer", shown).await;
        let both = line.with(*address, |one| one.signals().to_vec()).unwrap();
        assert!(matches!(both[..], [Command::Led(_), Command::Buzzer(_)]), "{both:?}");
    }
    Used::from([Capability::CardRead, Capability::Signal])
}

/// A card, the same one still there, lifted and put back; damage, noise and silence between.
pub(crate) async fn id_cards(profile: &Profile) -> Used {
    const NUMBER: &str = "11010519491231002X";
    let twin = IdReader::start(Pty::open().unwrap());
    let bus = Bus::open(SerialSettings {
        path: twin.path().to_str().unwrap().to_owned(),
        baud: profile.baud().unwrap(),
        gap: Duration::from_millis(2),
        framing: Framing::default(),
    });
    within("the port", bus.status().wait_for(|status| *status == LineStatus::Up)).await.unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    let reader = Reader {
        id: id(1),
        bus,
        panel: IdCardPanel::new(profile).unwrap(),
        reply_timeout: Duration::from_millis(200),
    };
    let (_signal, signalled) = mpsc::channel(SIGNALS_MAX);
    tokio::spawn(reader.run(Sink(tell), signalled));
    let mut next = async || within("news of the reader", told.recv()).await.unwrap().1;
    assert_eq!(next().await, Told::Online { secure: false });
    twin.with(|state| {
        (state.noise, state.damaged) = (vec![0xAA, 0xAA, 0x00], 2);
        state.lifted_first = true;
    });
    twin.put(Some(NUMBER));
    let number = IdNumber::parse(NUMBER).unwrap();
    let card = Told::Event(DeviceEvent::IdCardRead { number });
    assert_eq!(next().await, card);
    twin.with(|state| state.silent = true);
    assert_eq!(next().await, Told::Offline);
    twin.with(|state| state.silent = false);
    assert_eq!(next().await, Told::Online { secure: false });
    Used::from([Capability::CardRead])
}

fn id(address: u8) -> DeviceId {
    DeviceId::parse(&format!("reader-{address}")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_share_a_line_with_a_dead_one() {
    cycle(&Profile::find("reader/osdp-generic").unwrap()).await;
}
