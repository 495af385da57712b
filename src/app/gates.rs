//! The parts of lanes for people: turnstiles, their contacts and relays, scanners. Starts their tasks and decides
//! nothing.

use std::{collections::HashMap, time::Duration};

use paifang_devices::{LotTurnstile, ScanReader, relay_board::RelaySettings};
use tokio::sync::mpsc;

use super::{
    clouds::CloudCodes,
    daemon::StartError,
    field::{BoardJob, PassPort, Reads, Scanner, Turnstile, Wire},
    parts::{Buses, JOBS_MAX, LINE_GAP, Parts, Passes},
    reading::is_polled,
};
use crate::{
    config::{Device, Gate, Site},
    core::gate::Way,
    io::serial::{Bus, SerialSettings},
    tickets::TicketKeys,
    types::LaneId,
};

/// Pieces of bytes that may wait; then the port's own buffer fills.
const PIECES_MAX: usize = 64;

fn way(site: &Site, lane: &LaneId) -> Way {
    site.rules.gates.get(lane).map_or(Way::In, |rules| Way::of(rules.direction))
}

/// Puts wires on a board's inputs. Several lanes may name the same fire contact.
pub(super) fn wire(
    inputs: &mut HashMap<u8, Wire>,
    wires: impl IntoIterator<Item = (u8, Wire)>,
    fire: Option<u8>,
    help: Option<(u8, Wire)>,
) -> Result<(), String> {
    let fire = fire.map(|input| (input, Wire::Fire));
    for (input, wire) in wires.into_iter().chain(fire).chain(help) {
        if let Some(former) = inputs.insert(input, wire.clone())
            && former != wire
        {
            return Err(format!("its input {input} is wired twice"));
        }
    }
    Ok(())
}

pub(super) fn passage(site: &Site, gate: &Gate) -> Option<(u8, Wire)> {
    Some((gate.passage?, Wire::Passage(gate.id.clone(), way(site, &gate.id))))
}

/// The relay that lets one in is the board's first, out its second, unless the site file says otherwise.
pub(super) fn relays(
    site: &Site,
    gate: &Gate,
    board: &RelaySettings,
    jobs: mpsc::Sender<BoardJob>,
) -> PassPort {
    let (usual, other) = match way(site, &gate.id) {
        Way::Out => (board.close_relay.unwrap_or(board.open_relay), Some(board.open_relay)),
        Way::In | Way::Both => (board.open_relay, board.close_relay),
    };
    let own = gate.open_relay.unwrap_or(usual);
    PassPort::Board { jobs, own, other: other.filter(|relay| *relay != own) }
}

impl Parts {
    /// One that counts for itself.
    pub(super) fn turnstile(
        &mut self,
        site: &Site,
        device: &Device,
        gates: &[&Gate],
        buses: &Buses,
        passes: &mut Passes,
    ) -> Result<(), StartError> {
        let wrong = |what: String| StartError::Device { device: device.id.clone(), what };
        let turnstile =
            LotTurnstile::new(&device.profile, device.address).map_err(|e| wrong(e.to_string()))?;
        let bus = device.bus.as_ref().and_then(|bus| buses.get(bus)).cloned();
        let bus = bus.ok_or_else(|| wrong("its bus does not exist".into()))?;
        let (jobs_tx, jobs) = mpsc::channel(JOBS_MAX);
        for gate in gates {
            passes.insert(gate.id.clone(), PassPort::Turnstile { jobs: jobs_tx.clone() });
        }
        let timings = device.profile.timings;
        let ms = |ms: Option<u32>, usual: u32| Duration::from_millis(ms.unwrap_or(usual).into());
        let turnstile = Turnstile {
            id: device.id.clone(),
            app: self.app.clone(),
            bus,
            turnstile,
            lanes: gates.iter().map(|gate| (gate.id.clone(), way(site, &gate.id))).collect(),
            poll: ms(timings.poll_ms, 100),
            reply_timeout: ms(timings.reply_timeout_ms, 300),
            pulse: self.health.register(&device.id, &device.profile, None),
        };
        self.tasks.spawn(turnstile.run(jobs));
        Ok(())
    }

    /// A port and a task for each scanner of a lane.
    pub(super) fn scanners(
        &mut self,
        site: &Site,
        keys: &TicketKeys,
        clouds: &CloudCodes,
    ) -> Result<(), StartError> {
        let tickets = site.gates.values().map(|gate| (&gate.id, &gate.readers, Reads::Tickets));
        let codes = site.lanes.values().map(|lane| {
            let cipher = lane.scanner_cipher.clone();
            (&lane.id, &lane.scanners, Reads::PayerCodes { cipher })
        });
        for (lane, readers, reads) in tickets.chain(codes) {
            for id in readers {
                let Some(device) = site.devices.get(id) else { continue };
                if is_polled(device.profile.protocol) {
                    continue; // polled on its line: see `reading`
                }
                let wrong = |what: String| StartError::Device { device: id.clone(), what };
                let reader = ScanReader::new(&device.profile).map_err(|e| wrong(e.to_string()))?;
                let bus = device.bus.as_ref().and_then(|bus| site.buses.get(bus));
                let bus = bus.ok_or_else(|| wrong("its bus does not exist".into()))?;
                let (sink, bytes) = mpsc::channel(PIECES_MAX);
                let path = bus.path.to_string_lossy().into_owned();
                let settings =
                    SerialSettings { path, baud: bus.baud, gap: LINE_GAP, framing: bus.framing };
                let scanner = Scanner {
                    id: id.clone(),
                    lane: lane.clone(),
                    reads: reads.clone(),
                    keys: keys.clone(),
                    clouds: clouds.clone(),
                    app: self.app.clone(),
                    reader,
                    port: Bus::listen(settings, sink),
                    pulse: self.health.register(id, &device.profile, None),
                };
                self.tasks.spawn(scanner.run(bytes));
            }
        }
        Ok(())
    }
}
