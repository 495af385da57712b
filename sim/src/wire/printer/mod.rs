//! A receipt printer on a port or on TCP: prints what it is told on paper one can look at, and says
//! how it is when asked. Without paper it stops where it is and waits for a new roll, as real ones.

mod paper;
mod stream;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use encoding_rs::GB18030;
use qrcode::{EcLevel, QrCode};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
};

use self::{
    paper::Paper,
    stream::{Step, step},
};
use super::{lock, pty::Pty};

/// What is wrong with a printer; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrinterFaults {
    /// Lines left on the roll; `None`: plenty.
    pub lines_left: Option<u32>,
    /// The roll is nearly at its end.
    pub near_end: bool,
    pub cover_open: bool,
    /// The knife is stuck.
    pub broken: bool,
    /// Answers nothing, as many do when they cannot print.
    pub silent: bool,
    /// Answers nothing any more once it has printed a line.
    pub silent_after_lines: bool,
}

impl PrinterFaults {
    fn is_out(self) -> bool {
        self.lines_left == Some(0)
    }

    fn stops(self) -> bool {
        self.is_out() || self.cover_open || self.broken
    }
}

#[derive(Debug, Default)]
struct State {
    faults: PrinterFaults,
    paper: Paper,
    line: Vec<u8>,
    qr: (Vec<u8>, u8),
    unknown: Vec<Vec<u8>>,
    heard: Vec<u8>,
    /// Answers to what waited, for whoever listens next.
    late: Vec<u8>,
    chinese: bool,
}

/// The printer; clones are the same one.
#[derive(Clone, Debug)]
pub struct Printer {
    state: Arc<Mutex<State>>,
    /// Counts changes of its faults, so that what waits is looked at again.
    changed: watch::Sender<u64>,
    path: PathBuf,
    address: Option<SocketAddr>,
}

impl Printer {
    /// On a port. Needs a tokio runtime; ends when the last handle is gone.
    pub fn serial(pty: Pty) -> Self {
        let printer = Self::new(pty.path().to_path_buf(), None);
        let (state, changed) = (Arc::downgrade(&printer.state), printer.changed.subscribe());
        tokio::spawn(async move { serve(pty, &state, changed).await });
        printer
    }

    /// On a TCP port of this machine, one caller after the other.
    pub async fn tcp() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let printer = Self::new(PathBuf::new(), Some(listener.local_addr()?));
        let (state, changed) = (Arc::downgrade(&printer.state), printer.changed.subscribe());
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                serve(caller, &state, changed.clone()).await;
                if state.strong_count() == 0 {
                    return;
                }
            }
        });
        Ok(printer)
    }

    fn new(path: PathBuf, address: Option<SocketAddr>) -> Self {
        Self { state: Arc::default(), changed: watch::Sender::new(0), path, address }
    }

    /// What the daemon opens, on a port.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the daemon calls, on TCP.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// From now on; what waited for paper goes on.
    pub fn set_faults(&self, faults: PrinterFaults) {
        {
            let mut state = lock(&self.state);
            state.faults = faults;
            // Nobody need be connected for it to go on.
            let answers = state.work();
            state.late.extend(answers);
        }
        self.changed.send_modify(|count| *count += 1);
    }

    /// Lines of text on the paper.
    pub fn lines(&self) -> Vec<String> {
        lock(&self.state).paper.lines().to_vec()
    }

    /// Receipts cut off.
    pub fn cuts(&self) -> usize {
        lock(&self.state).paper.cuts()
    }

    /// Commands of no table.
    pub fn unknown(&self) -> Vec<Vec<u8>> {
        lock(&self.state).unknown.clone()
    }

    /// The paper as a PGM file, for a reader that sees.
    pub fn picture(&self) -> Vec<u8> {
        lock(&self.state).paper.picture()
    }

    /// A new roll of white paper.
    pub fn tear_off(&self) {
        lock(&self.state).paper = Paper::default();
    }
}

async fn serve(
    mut wire: impl AsyncRead + AsyncWrite + Unpin,
    state: &std::sync::Weak<Mutex<State>>,
    mut changed: watch::Receiver<u64>,
) {
    let mut piece = [0; 4_096];
    loop {
        let count = tokio::select! {
            read = wire.read(&mut piece) => match read {
                Ok(count) if count > 0 => count,
                _ => return,
            },
            change = changed.changed() => match change {
                Ok(()) => 0,
                Err(_) => return,
            },
        };
        let Some(state) = state.upgrade() else { return };
        let answers = {
            let mut state = lock(&state);
            state.heard.extend_from_slice(&piece[..count]);
            let late = std::mem::take(&mut state.late);
            [late, state.work()].concat()
        };
        if wire.write_all(&answers).await.is_err() {
            return;
        }
    }
}

impl State {
    /// Does what it can of what it heard. Status questions are answered even while it waits.
    fn work(&mut self) -> Vec<u8> {
        let mut answers = Vec::new();
        let mut waiting = Vec::new();
        let mut heard = std::mem::take(&mut self.heard);
        while let Some((one, len)) = step(&heard) {
            let bytes: Vec<u8> = heard.drain(..len).collect();
            match one {
                Step::Status(question) => answers.extend(self.status(question)),
                _ if self.faults.stops() => waiting.extend(bytes),
                Step::InOrder(_) if self.faults.silent => {}
                Step::InOrder(_) => answers.push(if self.faults.near_end { 0x03 } else { 0x00 }),
                other => self.print(other),
            }
        }
        self.heard = [waiting, heard].concat();
        answers
    }

    fn status(&self, question: u8) -> Option<u8> {
        let PrinterFaults { near_end, cover_open, broken, silent, .. } = self.faults;
        let bit = |is_set: bool, bits: u8| if is_set { bits } else { 0 };
        let out = self.faults.is_out();
        let more = match question {
            1 => bit(self.faults.stops(), 0x08) | 0x04,
            2 => bit(cover_open, 0x04) | bit(out, 0x20) | bit(broken, 0x40),
            3 => bit(broken, 0x08),
            4 => bit(near_end || out, 0x0C) | bit(out, 0x60),
            _ => return None,
        };
        (!silent).then_some(0x12 | more)
    }

    fn print(&mut self, one: Step) {
        match one {
            Step::Text(bytes) => self.line.extend(bytes),
            Step::LineEnd => self.end_line(),
            Step::Feed(lines) => self.paper.feed(lines.into()),
            Step::Cut => self.paper.cut(),
            Step::Chinese => self.chinese = true,
            Step::Reset => (self.chinese, self.line) = (false, Vec::new()),
            Step::QrSize(dots) => self.qr.1 = dots,
            Step::QrData(data) => self.qr.0 = data,
            Step::QrPrint => self.draw_qr(),
            Step::Raster(row_bytes, bits) => self.paper.bits(row_bytes, &bits),
            Step::Unknown(bytes) => self.unknown.push(bytes),
            Step::Style | Step::Status(_) | Step::InOrder(_) => {}
        }
    }

    fn end_line(&mut self) {
        let bytes = std::mem::take(&mut self.line);
        let is_text = self.chinese || bytes.is_ascii();
        let text = if is_text {
            GB18030.decode_without_bom_handling(&bytes).0.into_owned()
        } else {
            // Without Chinese switched on, it prints other signs.
            "?".repeat(bytes.len())
        };
        self.paper.line(&text);
        if let Some(left) = &mut self.faults.lines_left {
            *left = left.saturating_sub(1);
        }
        self.faults.silent |= self.faults.silent_after_lines;
    }

    fn draw_qr(&mut self) {
        let (data, dots) = (&self.qr.0, usize::from(self.qr.1.max(1)));
        let Ok(code) = QrCode::with_error_correction_level(data, EcLevel::M) else {
            return self.unknown.push(data.clone());
        };
        let (side, colors) = (code.width(), code.to_colors());
        let is_dark = |x: usize, y: usize| colors[y * side + x] == qrcode::Color::Dark;
        self.paper.square(side, dots, is_dark);
    }
}
