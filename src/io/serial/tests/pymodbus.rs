//! Boards by other hands: pymodbus on a terminal of its own, the two masters joined. Runs where
//! `PAIFANG_PYTHON` names a Python that has pymodbus and pyserial.

use std::process::{Child, Command};

use paifang_devices::{LotTurnstile, Profile, Way, turnstile_lot};

use super::*;

const RELAY_BOARD: &str = r"
import sys
from pymodbus.datastore import (
    ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext)
from pymodbus.server import StartSerialServer

inputs = ModbusSequentialDataBlock(1, [1, 0, 1, 1, 0, 0, 0, 1])
coils = ModbusSequentialDataBlock(1, [0] * 8)
board = ModbusDeviceContext(di=inputs, co=coils)
StartSerialServer(
    ModbusServerContext(devices={1: board}, single=False), port=sys.argv[1], baudrate=115200)
";

/// Counts in steps over the edge of a word, as a counter of two registers does.
const TURNSTILE: &str = r#"
import sys
from pymodbus.server import StartSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

async def act(function, first, address, count, registers, values):
    """One pass granted at the entry is one person gone; nobody goes out."""
    side = address - 0x40
    if values is None or side not in (0, 1):
        return None
    registers[0x42 + side - first] = {0: 0, 1: 1, 0xFFFF: 2}[values[0]]
    if values[0] == 1 and side == 0:
        low, high = registers[0x44 - first], registers[0x45 - first]
        count = (high << 16 | low) + 1
        registers[0x44 - first], registers[0x45 - first] = count & 0xFFFF, count >> 16
    return None

words = [0] * 0x10
words[4:6] = [0xFFFF, 2]
controller = SimDevice(7, simdata=[SimData(0x40, values=words, datatype=DataType.REGISTERS)], action=act)
StartSerialServer(controller, port=sys.argv[1], baudrate=115200)
"#;

/// The board's process and the wire to it; both end however the test ends.
struct Peer {
    child: Child,
    joined: JoinHandle<()>,
    bus: BusHandle,
}

impl Peer {
    async fn start(script: &str) -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "a gate of this test, no setting")]
        let Ok(python) = std::env::var("PAIFANG_PYTHON") else {
            eprintln!("left out: PAIFANG_PYTHON names no Python with pymodbus");
            return None;
        };
        let probe = Command::new(&python).args(["-c", "import pymodbus, serial"]).output();
        let usable = probe.as_ref().is_ok_and(|out| out.status.success());
        assert!(usable, "PAIFANG_PYTHON={python:?} does not run pymodbus and pyserial: {probe:?}");
        let (mut ours, mut theirs) = (Board::new(), Board::new());
        let bus = bus(&ours.path);
        wait_for(&bus, true).await;
        let child = Command::new(&python).args(["-c", script, &theirs.path]).spawn().unwrap();
        let joined = tokio::spawn(async move {
            loop {
                // Until the other side has opened its terminal, reading from ours fails at once.
                let _ = tokio::io::copy_bidirectional(&mut ours.master, &mut theirs.master).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Some(Self { child, joined, bus })
    }

    /// The first answer of a process that has to start yet.
    async fn first(&self, exchange: &Exchange) -> Vec<u8> {
        let limit = Instant::now() + Duration::from_secs(20);
        loop {
            match self.bus.exchange(exchange.clone(), Duration::from_millis(200), limit).await {
                Ok(reply) => return reply,
                Err(e) => assert!(Instant::now() < limit, "no word from pymodbus: {e}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn ask(&self, exchange: &Exchange) -> Vec<u8> {
        self.bus.exchange(exchange.clone(), PATIENCE, soon()).await.unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.joined.abort();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_board_of_pymodbus_understands_us() {
    let Some(board) = Peer::start(RELAY_BOARD).await else { return };
    let bits = |ask: &Exchange, reply: &[u8]| relay_board::states(ask, reply).unwrap();
    let (inputs, coils) = (read(1), modbus::read_coils(1, 0, 8).unwrap());
    let first = board.first(&inputs).await;
    let set = modbus::write_coil(1, 2, 0xFF00).unwrap();
    let echo = board.ask(&set).await;
    let after = board.ask(&coils).await;
    let beyond = modbus::read_inputs(1, 100, 8).unwrap();
    let refusal = board.ask(&beyond).await;

    assert_eq!(bits(&inputs, &first), [true, false, true, true, false, false, false, true]);
    assert_eq!(relay_board::accepted(&set, &echo), Ok(()));
    let third = [false, false, true, false, false, false, false, false];
    assert_eq!(bits(&coils, &after), third);
    let refused = relay_board::states(&beyond, &refusal);
    assert!(matches!(refused, Err(modbus::ReplyError::Exception { code: 2, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_turnstile_of_pymodbus_lets_one_through_and_counts() {
    let Some(peer) = Peer::start(TURNSTILE).await else { return };
    let lot = LotTurnstile::new(&Profile::find("turnstile/lot-modbus").unwrap(), Some(7)).unwrap();
    let counted = |ask: &Exchange, reply: &[u8]| turnstile_lot::counter(ask, reply).unwrap();
    let state = |ask: &Exchange, reply: &[u8]| turnstile_lot::state(ask, reply).unwrap();
    let count = lot.read_counter(Way::In);
    assert_eq!(counted(&count, &peer.first(&count).await), 0x0002_FFFF);
    for (way, passes) in [(Way::In, 0x0003_0000), (Way::Out, 0)] {
        let (grant, count, read_state) =
            (lot.grant(way), lot.read_counter(way), lot.read_state(way));
        assert_eq!(turnstile_lot::accepted(&grant, &peer.ask(&grant).await), Ok(()));
        assert_eq!(
            state(&read_state, &peer.ask(&read_state).await),
            turnstile_lot::SideState::Counted
        );
        assert_eq!(counted(&count, &peer.ask(&count).await), passes, "{way:?}");
    }
    let read_state = lot.read_state(Way::Out);
    for (order, expected) in [
        (lot.free(Way::Out), turnstile_lot::SideState::Free),
        (lot.close(Way::Out), turnstile_lot::SideState::Closed),
    ] {
        assert_eq!(turnstile_lot::accepted(&order, &peer.ask(&order).await), Ok(()));
        assert_eq!(state(&read_state, &peer.ask(&read_state).await), expected);
    }
    // It has no register of its mode: told as a refusal, never as a mode.
    let mode = lot.read_mode();
    let refused = turnstile_lot::mode(&mode, &peer.ask(&mode).await);
    assert!(matches!(refused, Err(modbus::ReplyError::Exception { code: 2, .. })), "{refused:?}");
}
