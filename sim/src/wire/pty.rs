//! A pseudo-terminal: the twin holds the master, the daemon opens the other side by its name. Knows
//! no bytes.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_serial::{SerialPort, SerialStream};

/// The master's side, as a stream; reading or writing while unplugged fails with `NotConnected`.
/// Dropped, it is unplugged. A program started meanwhile inherits it and keeps it alive.
#[derive(Debug)]
pub struct Pty {
    link: Option<PathBuf>,
    plug: Option<Plug>,
}

#[derive(Debug)]
struct Plug {
    master: SerialStream,
    path: PathBuf,
    /// While one handle on the slave is open, the master's reads wait for the daemon instead of
    /// failing. Nothing is ever read here.
    _slave: SerialStream,
}

impl Plug {
    fn new() -> io::Result<Self> {
        let (master, slave) = SerialStream::pair()?;
        let name = slave.name().ok_or_else(|| io::Error::other("the terminal has no name"))?;
        Ok(Self { master, path: name.into(), _slave: slave })
    }
}

impl Pty {
    /// Under the name the system gives, another one after each [`Pty::replug`]. Needs a tokio
    /// runtime.
    pub fn open() -> io::Result<Self> {
        Ok(Self { link: None, plug: Some(Plug::new()?) })
    }

    /// Also under a lasting name, as udev keeps one in `/dev/serial/by-id`. What is there under
    /// that name is replaced if it is a symbolic link.
    pub fn linked(link: impl Into<PathBuf>) -> io::Result<Self> {
        let mut pty = Self { link: Some(link.into()), plug: None };
        pty.replug()?;
        Ok(pty)
    }

    /// What the daemon opens: the lasting name if there is one. Empty when there is neither.
    pub fn path(&self) -> &Path {
        let plugged = self.plug.as_ref().map_or(Path::new(""), |plug| &plug.path);
        self.link.as_deref().unwrap_or(plugged)
    }

    /// The other side can be opened.
    pub fn is_plugged(&self) -> bool {
        self.plug.is_some()
    }

    /// The adapter is pulled: its name goes, and who holds the other side is cut off.
    pub fn unplug(&mut self) {
        if self.plug.take().is_some()
            && let Some(link) = &self.link
        {
            let _ = fs::remove_file(link);
        }
    }

    /// Plugged in again: a new terminal under the old lasting name.
    pub fn replug(&mut self) -> io::Result<()> {
        self.unplug();
        let plug = Plug::new()?;
        if let Some(link) = &self.link {
            if link.is_symlink() {
                fs::remove_file(link)?;
            }
            symlink(&plug.path, link)?;
        }
        self.plug = Some(plug);
        Ok(())
    }

    fn master(&mut self) -> io::Result<Pin<&mut SerialStream>> {
        let plug = self.plug.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Pin::new(&mut plug.master))
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.unplug();
    }
}

impl AsyncRead for Pty {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.master() {
            Ok(master) => master.poll_read(cx, buf),
            Err(e) => Poll::Ready(Err(e)),
        }
    }
}

impl AsyncWrite for Pty {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.master() {
            Ok(master) => master.poll_write(cx, bytes),
            Err(e) => Poll::Ready(Err(e)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
