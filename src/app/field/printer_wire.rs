//! Bytes to a printer and its answers back, over a serial port or TCP. Knows which byte can be an answer, not what it
//! means.

use std::{io, time::Duration};

use paifang_devices::escpos::Ask;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

use crate::io::serial::{Bus, LineStatus, ListenHandle, SerialSettings};

const CONNECT_MAX: Duration = Duration::from_secs(3);
const SEND_MAX: Duration = Duration::from_secs(30);
/// Pieces of answers that may wait.
const HEARD_MAX: usize = 64;

/// Where a printer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrinterAt {
    Line(SerialSettings),
    /// `host:port`.
    Net(String),
}

pub(super) enum PrinterWire {
    Line {
        line: ListenHandle,
        heard: mpsc::Receiver<Vec<u8>>,
    },
    /// Connected while there is something to say: most printers serve one caller at a time.
    Net {
        at: String,
        stream: Option<TcpStream>,
    },
}

impl PrinterWire {
    pub(super) fn new(at: PrinterAt) -> Self {
        match at {
            PrinterAt::Net(at) => Self::Net { at, stream: None },
            PrinterAt::Line(settings) => {
                let (sink, heard) = mpsc::channel(HEARD_MAX);
                Self::Line { line: Bus::listen(settings, sink), heard }
            }
        }
    }

    /// Lets others call the printer.
    pub(super) fn rest(&mut self) {
        if let Self::Net { stream, .. } = self {
            *stream = None;
        }
    }

    /// All of it went out. The error is for the operator.
    pub(super) async fn send(&mut self, bytes: Vec<u8>) -> Result<(), String> {
        let until = Instant::now() + SEND_MAX;
        match self {
            Self::Line { line, .. } => {
                let mut status = line.status();
                // At the start the port is only being opened.
                let up = status.wait_for(|status| *status == LineStatus::Up);
                if timeout(CONNECT_MAX, up).await.is_err() {
                    let LineStatus::Down { why } = line.status().borrow().clone() else {
                        return Err("the line comes and goes".into());
                    };
                    return Err(why);
                }
                line.write(bytes, until).await.map_err(|e| e.to_string())
            }
            Self::Net { at, stream } => {
                let wire = connected(at, stream).await?;
                let sent = timeout_at(until, wire.write_all(&bytes)).await;
                let lost = match sent {
                    Ok(Ok(())) => return Ok(()),
                    Ok(Err(e)) => format!("{at}: {e}"),
                    Err(_) => format!("{at}: the printer takes no bytes"),
                };
                *stream = None;
                Err(lost)
            }
        }
    }

    /// The byte that can be the answer; `None`: silence for so long.
    pub(super) async fn ask(&mut self, ask: Ask, patience: Duration) -> Result<Option<u8>, String> {
        self.forget();
        self.send(ask.request().to_vec()).await?;
        let until = Instant::now() + patience;
        loop {
            let Ok(heard) = timeout_at(until, self.hear()).await else { return Ok(None) };
            if let Some(byte) = ask.answer(&heard?) {
                return Ok(Some(byte));
            }
        }
    }

    /// What came unasked or too late answers nothing.
    fn forget(&mut self) {
        match self {
            Self::Line { heard, .. } => while heard.try_recv().is_ok() {},
            Self::Net { stream, .. } => {
                let mut piece = [0; 64];
                while let Some(Ok(1..)) = stream.as_ref().map(|stream| stream.try_read(&mut piece))
                {
                }
            }
        }
    }

    async fn hear(&mut self) -> Result<Vec<u8>, String> {
        match self {
            Self::Line { heard, .. } => heard.recv().await.ok_or("the line is closed".into()),
            Self::Net { at, stream } => {
                let mut piece = [0; 64];
                let wire = connected(at, stream).await?;
                match wire.read(&mut piece).await {
                    Ok(count @ 1..) => Ok(piece[..count].to_vec()),
                    Ok(_) => Err(format!("{at}: the printer hung up")),
                    Err(e) => Err(format!("{at}: {e}")),
                }
            }
        }
    }
}

async fn connected<'s>(
    at: &str,
    stream: &'s mut Option<TcpStream>,
) -> Result<&'s mut TcpStream, String> {
    if stream.is_none() {
        let refused = |e: io::Error| format!("{at}: {e}; is it switched on and plugged in?");
        let connecting = timeout(CONNECT_MAX, TcpStream::connect(at)).await;
        let made = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        *stream = Some(made.map_err(refused)?);
    }
    stream.as_mut().ok_or_else(|| "not connected".into())
}
