//! Ports that speak by themselves, on real pseudo-terminals: the test holds the master.

use std::{os::unix::fs::symlink, path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_serial::{SerialPort, SerialStream};

use super::*;

const PATIENCE: Duration = Duration::from_secs(5);

async fn within<T>(wanted: impl Future<Output = T>) -> T {
    timeout(PATIENCE, wanted).await.expect("waited in vain")
}

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

fn listen(path: &str) -> (ListenHandle, mpsc::Receiver<Vec<u8>>) {
    let (sink, heard) = mpsc::channel(4);
    let framing = Framing { parity: Parity::None, stop_bits: StopBits::Two };
    let settings =
        SerialSettings { path: path.into(), baud: 115_200, gap: Duration::ZERO, framing };
    (Bus::listen(settings, sink), heard)
}

async fn is_up(handle: &ListenHandle, up: bool) {
    let mut status = handle.status();
    within(status.wait_for(|s| (*s == LineStatus::Up) == up)).await.unwrap();
}

/// As many bytes as wanted, in whatever pieces.
async fn hear(heard: &mut mpsc::Receiver<Vec<u8>>, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < count {
        bytes.extend(within(heard.recv()).await.expect("the listener has ended"));
    }
    bytes
}

#[tokio::test]
async fn what_comes_is_handed_on_and_what_is_written_goes_out() {
    let (mut master, slave) = SerialStream::pair().unwrap();
    let (handle, mut heard) = listen(&slave.name().unwrap());
    is_up(&handle, true).await;
    master.write_all(b"PF1:AB\r").await.unwrap();
    assert_eq!(hear(&mut heard, 7).await, b"PF1:AB\r");
    handle.write(vec![0x7E, 0], soon()).await.unwrap();
    let mut written = [0; 2];
    within(master.read_exact(&mut written)).await.unwrap();
    assert_eq!(written, [0x7E, 0]);
    let late = handle.write(vec![1], Instant::now()).await.unwrap_err();
    assert!(matches!(late, BusError::Expired { .. }) && !late.may_have_acted());
    // Nobody holds the handle: it listens on.
    drop(handle);
    master.write_all(b"PF2\r").await.unwrap();
    assert_eq!(hear(&mut heard, 4).await, b"PF2\r");
}

#[tokio::test]
async fn a_taker_that_lags_loses_nothing() {
    let (mut master, slave) = SerialStream::pair().unwrap();
    let (handle, mut heard) = listen(&slave.name().unwrap());
    is_up(&handle, true).await;
    let sent: Vec<u8> = (0..60_000_u32).map(|n| b'0' + (n % 10) as u8).collect();
    let stream = sent.clone();
    let sending = tokio::spawn(async move {
        master.write_all(&stream).await.unwrap();
        master
    });
    assert!(hear(&mut heard, sent.len()).await == sent, "bytes are missing");
    drop(within(sending).await.unwrap());
}

#[tokio::test]
async fn an_unplugged_port_comes_back_by_its_name() {
    let folder: PathBuf =
        std::env::temp_dir().join(format!("paifang-listen-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let port = folder.join("scanner");
    let (handle, mut heard) = listen(port.to_str().unwrap());
    is_up(&handle, false).await;
    for text in [&b"PF1\r"[..], b"PF2\r"] {
        let (mut master, slave) = SerialStream::pair().unwrap();
        symlink(slave.name().unwrap(), &port).unwrap();
        is_up(&handle, true).await;
        master.write_all(text).await.unwrap();
        assert_eq!(hear(&mut heard, 4).await, text);
        std::fs::remove_file(&port).unwrap();
        drop((master, slave));
        is_up(&handle, false).await;
        let refused = handle.write(vec![1], soon()).await.unwrap_err();
        assert!(!refused.may_have_acted(), "{refused}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_listener_nobody_listens_to_ends() {
    let (master, slave) = SerialStream::pair().unwrap();
    let (handle, heard) = listen(&slave.name().unwrap());
    is_up(&handle, true).await;
    drop(heard);
    let mut status = handle.status();
    while within(status.changed()).await.is_ok() {}
    let refused = handle.write(vec![1], soon()).await.unwrap_err();
    assert!(matches!(refused, BusError::Closed { .. }));
    drop(master);
}
