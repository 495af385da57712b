//! A code scanner on a port of its own: speaks codes as text with any tail, or in frames 55 AA, beats
//! its heart, and answers the commands of a GM65. Written from the makers' papers; shares nothing
//! with the daemon's reader but the frame of the 55 AA kind. Knows no ticket.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use paifang_devices::reader_55aa;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{mpsc, oneshot},
};

use super::{lock, pty::Pty};

/// Commands heard that are kept.
const COMMANDS_MAX: usize = 1_000;
/// The answer to a command of the GM65, with its published checksum.
const DONE: [u8; 7] = [0x02, 0x00, 0x00, 0x01, 0x00, 0x33, 0x31];

/// How it writes a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScannerManner {
    /// As text, with these bytes behind it.
    Text { tail: Vec<u8> },
    /// In a frame 55 AA with this command.
    Frames { command: u8 },
}

/// The scanner; clones are the same one. When the last one goes, it is unplugged.
#[derive(Clone, Debug)]
pub struct Scanner {
    orders: mpsc::UnboundedSender<Order>,
    commands: Arc<Mutex<Vec<Vec<u8>>>>,
    manner: Arc<ScannerManner>,
    path: PathBuf,
}

#[derive(Debug)]
enum Order {
    Say(Vec<u8>),
    Plug(bool, oneshot::Sender<io::Result<()>>),
}

impl Scanner {
    /// Needs a tokio runtime.
    pub fn start(pty: Pty, manner: ScannerManner) -> Self {
        let (orders, ordered) = mpsc::unbounded_channel();
        let (path, commands) = (pty.path().to_path_buf(), Arc::default());
        tokio::spawn(run(pty, ordered, Arc::clone(&commands)));
        Self { orders, commands, manner: Arc::new(manner), path }
    }

    /// What the daemon opens. Lasting only if the terminal was made with a lasting name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A code is held there: told at once, and again and again by scanners that repeat.
    pub fn scan(&self, code: &str) {
        self.say(&self.written(code.as_bytes()));
    }

    /// The bytes of a code on the wire.
    pub fn written(&self, code: &[u8]) -> Vec<u8> {
        match &*self.manner {
            ScannerManner::Text { tail } => [code, tail].concat(),
            ScannerManner::Frames { command } => reader_55aa::report(*command, 0, code),
        }
    }

    /// Any bytes: half a code, noise, a heart-beat.
    pub fn say(&self, bytes: &[u8]) {
        // Its task ends with the last handle only.
        let _ = self.orders.send(Order::Say(bytes.to_vec()));
    }

    /// Commands heard so far, the oldest first.
    pub fn commands(&self) -> Vec<Vec<u8>> {
        lock(&self.commands).clone()
    }

    /// Pulls the plug.
    pub async fn unplug(&self) -> io::Result<()> {
        self.plug(false).await
    }

    /// Plugs it in again.
    pub async fn replug(&self) -> io::Result<()> {
        self.plug(true).await
    }

    async fn plug(&self, is_in: bool) -> io::Result<()> {
        let ended = || io::Error::other("the scanner's task has ended");
        let (done, is_done) = oneshot::channel();
        self.orders.send(Order::Plug(is_in, done)).map_err(|_| ended())?;
        is_done.await.map_err(|_| ended())?
    }
}

async fn run(
    mut pty: Pty,
    mut orders: mpsc::UnboundedReceiver<Order>,
    commands: Arc<Mutex<Vec<Vec<u8>>>>,
) {
    let mut piece = [0; 256];
    let mut heard = Vec::new();
    loop {
        let is_plugged = pty.is_plugged();
        tokio::select! {
            order = orders.recv() => match order {
                None => return,
                Some(Order::Say(bytes)) => {
                    // Unplugged, it speaks to nobody.
                    let _ = pty.write_all(&bytes).await;
                }
                Some(Order::Plug(is_in, done)) => {
                    pty.unplug();
                    let plugged = if is_in { pty.replug() } else { Ok(()) };
                    let _ = done.send(plugged);
                }
            },
            read = pty.read(&mut piece), if is_plugged => match read {
                Ok(count) if count > 0 => {
                    heard.extend_from_slice(&piece[..count]);
                    for command in commands_of(&mut heard) {
                        // On record first: who hears the answer may look at once.
                        keep(&commands, command);
                        let _ = pty.write_all(&DONE).await;
                    }
                }
                _ => pty.unplug(),
            },
        }
    }
}

fn keep(commands: &Mutex<Vec<Vec<u8>>>, command: Vec<u8>) {
    let mut kept = lock(commands);
    if kept.len() < COMMANDS_MAX {
        kept.push(command);
    }
}

/// Whole commands off the front: `7E 00 type length address(2) data checksum(2)`.
fn commands_of(heard: &mut Vec<u8>) -> Vec<Vec<u8>> {
    let mut commands = Vec::new();
    loop {
        let start = heard.iter().position(|byte| *byte == 0x7E).unwrap_or(heard.len());
        heard.drain(..start);
        let Some(len) = heard.get(3).map(|len| 8 + usize::from(*len)) else { break };
        if heard.len() < len {
            break;
        }
        commands.push(heard.drain(..len).collect());
    }
    commands
}
