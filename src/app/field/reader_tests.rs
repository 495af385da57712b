//! Against a reader by other hands, libosdp in a process of its own, on pseudo-terminals. The panel's own rules are
//! tested in the devices crate. Runs where `PAIFANG_PYTHON` names a Python that has libosdp and pyserial.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use paifang_devices::{OsdpPanel, Profile, osdp::OsdpTrouble};
use tokio::{task::JoinHandle, time::timeout};
use tokio_serial::{SerialPort, SerialStream};

use super::*;
use crate::io::serial::{Bus, SerialSettings};

const PATIENCE: Duration = Duration::from_secs(20);
const ADDRESS: u8 = 5;
const KEY: &str = "7c0f35d2a4e1986b00112233445566aa";
const OTHER_KEY: &str = "00000000000000000000000000000001";

/// Says on its output what it is told, and does what its input says.
const READER: &str = r#"
import sys, serial
from osdp import *

port = serial.Serial(sys.argv[1], 115200, timeout=0)
key = bytes.fromhex(sys.argv[2]) if sys.argv[2] != "none" else None
flags = {"plain": [], "secure": [LibFlag.EnforceSecure], "new": [LibFlag.InstallMode]}[sys.argv[3]]

class Line(Channel):
    def read(self, count):
        return port.read(count)
    def write(self, data):
        return port.write(data)
    def flush(self):
        pass

def told(command):
    fields = {k: v.hex() if isinstance(v, bytes) else v for k, v in command.items()}
    name = {Command.LED: "led", Command.Buzzer: "buzzer", Command.Keyset: "keyset"}.get(command["command"], "other")
    print(name, " ".join(f"{k}={v}" for k, v in sorted(fields.items())), flush=True)
    return 0, None

reader = PeripheralDevice(
    PDInfo(int(sys.argv[4]), Line(), scbk=key, flags=flags, id=PdId(2, 7, 0x00A1B2C3, 77, 0x00010203)),
    PDCapabilities([
        (Capability.CardDataFormat, 1, 1), (Capability.LEDControl, 1, 1), (Capability.AudibleControl, 1, 1),
        (Capability.CheckCharacter, 1, 0), (Capability.CommunicationSecurity, 1, 1)]),
    log_level=LogLevel.Critical, command_handler=told)
reader.start()
print("started", flush=True)
for line in sys.stdin:
    word, *rest = line.split()
    if word == "card":
        event = {"event": Event.CardRead, "reader_no": 0, "direction": 0, "format": CardFormat.Wiegand,
                 "length": int(rest[0]), "data": bytes.fromhex(rest[1])}
    elif word == "keys":
        event = {"event": Event.KeyPress, "reader_no": 0, "data": rest[0].encode()}
    elif word == "tamper":
        event = {"event": Event.Status, "type": StatusReportType.Local, "report": bytes([int(rest[0]), 0])}
    reader.submit_event(event)
"#;

fn python() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a gate of this test, no setting")]
    let Ok(python) = std::env::var("PAIFANG_PYTHON") else {
        eprintln!("left out: PAIFANG_PYTHON names no Python with libosdp");
        return None;
    };
    let probe = Command::new(&python).args(["-c", "import osdp, serial"]).output();
    let usable = probe.as_ref().is_ok_and(|out| out.status.success());
    assert!(usable, "PAIFANG_PYTHON={python:?} does not run libosdp and pyserial: {probe:?}");
    Some(python)
}

/// The reader's process; killed when dropped, as by a pulled plug.
struct Peer {
    child: Child,
    input: ChildStdin,
    said: mpsc::UnboundedReceiver<String>,
}

impl Peer {
    async fn start(python: &str, path: &str, key: &str, mode: &str) -> Self {
        let mut child = Command::new(python)
            .args(["-c", READER, path, key, mode, &ADDRESS.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (say, said) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = say.send(line);
            }
        });
        let mut peer = Self { child, input, said };
        peer.says("started").await;
        peer
    }

    fn does(&mut self, order: &str) {
        writeln!(self.input, "{order}").unwrap();
    }

    async fn says(&mut self, word: &str) -> String {
        let said = async {
            loop {
                let line = self.said.recv().await.expect("the reader's process has ended");
                if line.starts_with(word) {
                    return line;
                }
            }
        };
        timeout(PATIENCE, said).await.unwrap_or_else(|_| panic!("the reader never said {word}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Sink(mpsc::UnboundedSender<Told>);

impl ReaderSink for Sink {
    async fn tell(&mut self, reader: &DeviceId, told: Told) -> Result<(), Busy> {
        assert_eq!(reader.as_str(), "reader-1");
        self.0.send(told).map_err(|_| Busy::Stopped)
    }
}

/// Two terminals with their masters joined: ours, and the one the reader opens.
struct Bench {
    python: String,
    far_path: String,
    told: mpsc::UnboundedReceiver<Told>,
    signals: mpsc::Sender<Signal>,
    joined: JoinHandle<()>,
}

impl Bench {
    fn new(python: String, key: Option<&str>, install: bool) -> Self {
        let (mut ours, our_slave) = SerialStream::pair().unwrap();
        let (mut theirs, far_slave) = SerialStream::pair().unwrap();
        let (path, far_path) = (our_slave.name().unwrap(), far_slave.name().unwrap());
        drop((our_slave, far_slave));
        let joined = tokio::spawn(async move {
            loop {
                // Until both sides have opened their terminals, reading fails at once.
                let _ = tokio::io::copy_bidirectional(&mut ours, &mut theirs).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let profile = Profile::find("reader/osdp-generic").unwrap();
        let key = key.map(|key| key.parse().unwrap());
        let reader = Reader {
            id: DeviceId::parse("reader-1").unwrap(),
            bus: Bus::open(SerialSettings {
                path,
                baud: 115_200,
                framing: crate::io::serial::Framing::default(),
                gap: Duration::from_millis(2),
            }),
            panel: OsdpPanel::new(&profile, Some(ADDRESS), key, install).unwrap(),
            reply_timeout: Duration::from_millis(200),
        };
        let (tell, told) = mpsc::unbounded_channel();
        let (signals, signalled) = mpsc::channel(SIGNALS_MAX);
        tokio::spawn(reader.run(Sink(tell), signalled));
        Self { python, far_path, told, signals, joined }
    }

    async fn peer(&self, key: &str, mode: &str) -> Peer {
        Peer::start(&self.python, &self.far_path, key, mode).await
    }

    /// The next word that is not about what the reader is.
    async fn next(&mut self) -> Told {
        let next = async {
            loop {
                match self.told.recv().await.expect("the reader's task has ended") {
                    Told::Event(DeviceEvent::Identity { .. }) => {}
                    told => return told,
                }
            }
        };
        timeout(PATIENCE, next).await.expect("nothing was told")
    }

    /// Skips words about coming and going until this one.
    async fn until(&mut self, wanted: &Told) {
        loop {
            let told = self.next().await;
            if told == *wanted {
                return;
            }
            assert_eq!(told, Told::Offline, "while waiting for {wanted:?}");
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.joined.abort();
    }
}

fn card(bits: u16, data: &[u8]) -> Told {
    Told::Event(DeviceEvent::CardRead { bits, data: data.to_vec() })
}

async fn does_its_duty(key: Option<&str>) {
    let Some(python) = python() else { return };
    let (text, mode) = (key.unwrap_or("none"), if key.is_some() { "secure" } else { "plain" });
    let mut bench = Bench::new(python, key, false);
    let mut peer = bench.peer(text, mode).await;
    let identity = timeout(PATIENCE, async {
        loop {
            match bench.told.recv().await.unwrap() {
                Told::Event(DeviceEvent::Identity { model, firmware }) => return (model, firmware),
                told => assert_eq!(told, Told::Offline),
            }
        }
    });
    let (model, firmware) = identity.await.unwrap();
    assert_eq!(model.as_deref(), Some("C3-B2-A1 model 7 version 2"));
    assert_eq!(firmware.as_deref(), Some("1.2.3"));
    bench.until(&Told::Online { secure: key.is_some() }).await;

    peer.does("card 26 deadbeff");
    peer.does("keys 42");
    peer.does("tamper 1");
    assert_eq!(bench.next().await, card(26, &[0xDE, 0xAD, 0xBE, 0xC0]));
    assert_eq!(bench.next().await, Told::Keys("42".into()), "the card came once");
    assert_eq!(bench.next().await, Told::Tamper(true));
    bench.signals.send(Signal::Refused).await.unwrap();
    let (led, buzzer) = (peer.says("led").await, peer.says("buzzer").await);
    assert!(led.contains("on_color=1") && led.contains("timer_count=30"), "{led}");
    assert!(buzzer.contains("rep_count=3"), "{buzzer}");

    drop(peer);
    assert_eq!(bench.next().await, Told::Offline);
    let mut peer = bench.peer(text, mode).await;
    // It does not remember that it was opened.
    let mut back = [bench.next().await, bench.next().await];
    back.sort_by_key(|told| *told == Told::Tamper(false));
    assert_eq!(back, [Told::Online { secure: key.is_some() }, Told::Tamper(false)]);
    peer.does("card 32 01020304");
    assert_eq!(bench.next().await, card(32, &[1, 2, 3, 4]));
}

#[tokio::test]
async fn a_reader_of_libosdp_is_polled_in_plain() {
    does_its_duty(None).await;
}

#[tokio::test]
async fn a_reader_of_libosdp_is_polled_over_the_secure_channel() {
    does_its_duty(Some(KEY)).await;
}

#[tokio::test]
async fn a_reader_of_libosdp_with_another_key_is_refused_and_told() {
    let Some(python) = python() else { return };
    let mut bench = Bench::new(python, Some(KEY), false);
    let mut peer = bench.peer(OTHER_KEY, "secure").await;
    peer.does("card 32 01020304");
    bench.until(&Told::Trouble(OsdpTrouble::KeyRefused)).await;
    drop(peer);
    let _peer = bench.peer(KEY, "secure").await;
    bench.until(&Told::Online { secure: true }).await;
}

#[tokio::test]
async fn a_new_reader_of_libosdp_takes_its_key_only_when_installed() {
    let Some(python) = python() else { return };
    let mut bench = Bench::new(python.clone(), Some(KEY), false);
    let peer = bench.peer("none", "new").await;
    bench.until(&Told::Trouble(OsdpTrouble::KeyRefused)).await;
    drop((peer, bench));

    let mut bench = Bench::new(python, Some(KEY), true);
    let mut peer = bench.peer("none", "new").await;
    bench.until(&Told::KeySet).await;
    let keyset = peer.says("keyset").await;
    assert!(keyset.contains(KEY), "{keyset}");
    bench.until(&Told::Online { secure: true }).await;
    peer.does("card 32 01020304");
    assert_eq!(bench.next().await, card(32, &[1, 2, 3, 4]));
}
