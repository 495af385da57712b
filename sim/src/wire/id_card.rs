//! A reader of identity cards on a port of its own: answers find, take and read, with damage and noise on demand.
//! Written from the published frames. Knows no ticket.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use paifang_devices::id_card::{self, Step};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::watch,
    time::timeout,
};

use super::{lock, pty::Pty};

const HEARD_MAX: usize = 4_096;
const WRITE_MAX: Duration = Duration::from_millis(500);

/// What lies on it, and how it misbehaves.
#[derive(Clone, Debug, Default)]
pub struct IdReaderState {
    /// The number of the card that lies there.
    pub card: Option<String>,
    /// A card that was read is found again only once it was lifted, as with most makes.
    pub lifted_first: bool,
    pub silent: bool,
    /// The next answers are damaged.
    pub damaged: u32,
    /// Stands before each answer.
    pub noise: Vec<u8>,
    read: bool,
    /// Cards read.
    pub reads: u32,
}

/// The reader; clones are the same one. When the last one goes, it is unplugged.
#[derive(Clone, Debug)]
pub struct IdReader {
    state: Arc<Mutex<IdReaderState>>,
    path: PathBuf,
    _plug: Arc<watch::Sender<()>>,
}

impl IdReader {
    /// Needs a tokio runtime.
    pub fn start(pty: Pty) -> Self {
        let state = Arc::new(Mutex::new(IdReaderState::default()));
        let (plug, plugged) = watch::channel(());
        let path = pty.path().to_path_buf();
        tokio::spawn(run(pty, Arc::clone(&state), plugged));
        Self { state, path, _plug: Arc::new(plug) }
    }

    /// What the daemon opens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut IdReaderState) -> T) -> T {
        act(&mut lock(&self.state))
    }

    /// A card is put there; `None`: it is lifted.
    pub fn put(&self, number: Option<&str>) {
        self.with(|state| {
            state.card = number.map(str::to_owned);
            state.read = false;
        });
    }
}

async fn run(mut pty: Pty, state: Arc<Mutex<IdReaderState>>, mut plugged: watch::Receiver<()>) {
    let (mut heard, mut piece) = (Vec::new(), [0; 256]);
    loop {
        let read = tokio::select! {
            read = pty.read(&mut piece) => read,
            _ = plugged.changed() => return,
        };
        let Ok(read) = read else { return };
        heard.extend_from_slice(&piece[..read]);
        while let Some((at, step)) =
            (0..heard.len()).find_map(|at| Some((at, id_card::question(&heard[at..])?)))
        {
            // A question is ten bytes long.
            heard.drain(..(at + 10).min(heard.len()));
            let answer = lock(&state).answer(step);
            if let Some(answer) = answer {
                let _ = timeout(WRITE_MAX, pty.write_all(&answer)).await;
            }
        }
        if heard.len() > HEARD_MAX {
            heard.clear();
        }
    }
}

impl IdReaderState {
    fn answer(&mut self, step: Step) -> Option<Vec<u8>> {
        if self.silent {
            return None;
        }
        let there = self.card.clone().filter(|_| !(self.lifted_first && self.read));
        let body = match (step, there) {
            (Step::Find, Some(_)) => vec![0, 0, 0x9F, 0, 0, 0, 0],
            (Step::Find, None) => vec![0, 0, 0x80],
            (Step::Select, Some(_)) => vec![0, 0, 0x90, 0, 0, 0, 0, 0, 0, 0, 0],
            (Step::Select, None) => vec![0, 0, 0x81],
            (Step::Read, Some(number)) => {
                self.read = true;
                self.reads += 1;
                contents(&number)
            }
            (Step::Read, None) => vec![0, 0, 0x41],
        };
        let mut frame = [&self.noise[..], &id_card::frame(&body)].concat();
        if self.damaged > 0 {
            self.damaged -= 1;
            if let Some(last) = frame.last_mut() {
                *last ^= 0xFF;
            }
        }
        Some(frame)
    }
}

/// Name, sex, people, birthday, address, number, office, from, until, newer address; and a picture of one grey.
fn contents(number: &str) -> Vec<u8> {
    let fields = [
        ("李四", 15),
        ("2", 1),
        ("01", 2),
        ("19900101", 8),
        ("江苏省苏州市", 35),
        (number, 18),
        ("苏州市公安局", 15),
        ("20200101", 8),
        ("长期", 8),
        ("", 18),
    ];
    let text: Vec<u8> = fields
        .iter()
        .flat_map(|(field, chars)| {
            let units = field.encode_utf16().chain(std::iter::repeat(u16::from(b' ')));
            units.take(*chars).flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
        })
        .collect();
    [&[0, 0, 0x90, 1, 0, 4, 0][..], &text, &[0x80; 1_024]].concat()
}
