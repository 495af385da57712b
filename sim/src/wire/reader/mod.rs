//! Card readers on one RS-485 line: cuts frames out of what is heard and lets each `device` answer.
//! Asks nothing by itself.

mod device;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use osdp::packet::ParsedPacket;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::watch,
    time::timeout,
};

pub use self::device::{ReaderDevice, ReaderFaults, ReaderSettings};
use super::{lock, pty::Pty};

const SOM: u8 = 0x53;
/// Noise without end is not kept beyond this.
const HEARD_MAX: usize = 4_096;
/// A frame that claims to be longer is none.
const FRAME_MAX: usize = 1_440;
const WRITE_MAX: Duration = Duration::from_millis(200);

/// The line and its readers; clones are the same one. When the last one goes, the adapter is pulled.
#[derive(Clone, Debug)]
pub struct Readers {
    devices: Arc<Mutex<Vec<ReaderDevice>>>,
    heard: watch::Receiver<u64>,
    path: PathBuf,
    _plug: Arc<watch::Sender<()>>,
}

impl Readers {
    /// Readers with addresses of their own. Needs a tokio runtime.
    pub fn start(pty: Pty, readers: Vec<ReaderSettings>) -> Self {
        let devices: Vec<_> = readers.into_iter().map(ReaderDevice::new).collect();
        let devices = Arc::new(Mutex::new(devices));
        let (count, heard) = watch::channel(0);
        let (plug, plugged) = watch::channel(());
        let path = pty.path().to_path_buf();
        tokio::spawn(run(pty, Arc::clone(&devices), count, plugged));
        Self { devices, heard, path, _plug: Arc::new(plug) }
    }

    /// What the daemon opens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The reader with this address, to tell cards, to be damaged, to be looked at.
    pub fn with<T>(&self, address: u8, act: impl FnOnce(&mut ReaderDevice) -> T) -> Option<T> {
        lock(&self.devices).iter_mut().find(|one| one.address() == address).map(act)
    }

    /// Waits until `seen` holds of the reader with this address; looks after each frame heard.
    pub async fn until(&self, address: u8, mut seen: impl FnMut(&ReaderDevice) -> bool) {
        let mut heard = self.heard.clone();
        while !self.with(address, |one| seen(one)).unwrap_or(false) {
            if heard.changed().await.is_err() {
                return;
            }
        }
    }
}

async fn run(
    mut pty: Pty,
    devices: Arc<Mutex<Vec<ReaderDevice>>>,
    count: watch::Sender<u64>,
    mut plugged: watch::Receiver<()>,
) {
    let (mut heard, mut piece) = (Vec::new(), [0; 256]);
    loop {
        let read = tokio::select! {
            read = pty.read(&mut piece) => read,
            _ = plugged.changed() => return,
        };
        let Ok(read) = read else { return };
        heard.extend_from_slice(&piece[..read]);
        while let Some(frame) = take_frame(&mut heard) {
            let answers: Vec<_> =
                lock(&devices).iter_mut().filter_map(|one| one.hear(&frame)).collect();
            for answer in answers {
                let _ = timeout(WRITE_MAX, pty.write_all(&answer)).await;
            }
            count.send_modify(|count| *count += 1);
        }
        if heard.len() > HEARD_MAX {
            heard.clear();
        }
    }
}

/// The first sound frame, with all that is before it thrown away. `None`: not yet.
fn take_frame(heard: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut from = 0;
    while let Some(at) = heard[from..].iter().position(|byte| *byte == SOM) {
        from += at;
        let Some(length) = heard.get(from + 2..from + 4) else { break };
        let len = usize::from(u16::from_le_bytes([length[0], length[1]]));
        match heard.get(from..from + len) {
            _ if len > FRAME_MAX => {}
            None => break,
            Some(frame) if ParsedPacket::parse(frame).is_ok() => {
                let frame = frame.to_vec();
                heard.drain(..from + len);
                return Some(frame);
            }
            Some(_) => {}
        }
        from += 1;
    }
    heard.drain(..from.min(heard.len()));
    None
}
