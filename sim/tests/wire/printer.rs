//! Receipts on paper one can look at: what the daemon says of a printer is what its twin did.

use std::time::Duration;

use paifang::{
    app::field::{Outcome, Printer, PrinterAt, PrinterHandle, PrinterHealth},
    io::serial::{Framing, SerialSettings},
    types::DeviceId,
};
use paifang_devices::{
    Profile,
    escpos::{Block, Document, Escpos},
};
use paifang_sim::wire::{Printer as Twin, PrinterFaults, Pty};
use tokio::time::timeout;

use crate::{Folder, support::within};

const REPLY_MAX: Duration = Duration::from_millis(150);

fn page(name: &str) -> Document {
    let mut page = Document::default();
    for line in 1..=5 {
        page.line(format!("{name} {line}"));
    }
    page.push(Block::Cut);
    page
}

fn daemon(profile: &str, at: PrinterAt) -> PrinterHandle {
    let escpos = Escpos::new(&Profile::find(profile).unwrap()).unwrap();
    let (task, handle) = Printer::new(DeviceId::parse("booth").unwrap(), escpos, at, REPLY_MAX);
    tokio::spawn(task.run());
    handle
}

fn on(twin: &Twin) -> PrinterAt {
    PrinterAt::Line(SerialSettings {
        path: twin.path().to_str().unwrap().into(),
        baud: 115_200,
        gap: Duration::ZERO,
        framing: Framing::default(),
    })
}

async fn printed(handle: &PrinterHandle, name: &str) -> Outcome {
    within("an outcome", handle.print(page(name))).await
}

async fn becomes(handle: &PrinterHandle, wanted: PrinterHealth) {
    let mut health = handle.health();
    within("its health", health.wait_for(|health| *health == wanted)).await.unwrap();
}

async fn all_faults(twin: &Twin, handle: &PrinterHandle) {
    assert_eq!(printed(handle, "one").await, Outcome::Printed);
    becomes(handle, PrinterHealth::Well { near_end: false }).await;
    twin.set_faults(PrinterFaults { near_end: true, ..PrinterFaults::default() });
    assert_eq!(printed(handle, "two").await, Outcome::Printed);
    becomes(handle, PrinterHealth::Well { near_end: true }).await;
    assert_eq!((twin.lines().len(), twin.cuts()), (10, 2));

    // The roll ends within a receipt: the rest comes with the next roll.
    twin.set_faults(PrinterFaults { lines_left: Some(3), ..PrinterFaults::default() });
    assert_eq!(printed(handle, "three").await, Outcome::PaperOut);
    becomes(handle, PrinterHealth::PaperOut).await;
    assert_eq!(twin.lines().last().unwrap(), "three 3");
    assert_eq!(printed(handle, "four").await, Outcome::PaperOut, "and nothing more is sent");
    twin.set_faults(PrinterFaults::default());
    within("the rest", async {
        while twin.cuts() < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(printed(handle, "five").await, Outcome::Printed);
    assert!(!twin.lines().iter().any(|line| line.starts_with("four")), "a receipt came too late");

    for faults in [
        PrinterFaults { cover_open: true, ..PrinterFaults::default() },
        PrinterFaults { broken: true, ..PrinterFaults::default() },
        PrinterFaults { silent: true, ..PrinterFaults::default() },
        PrinterFaults { silent: true, lines_left: Some(0), ..PrinterFaults::default() },
    ] {
        twin.set_faults(faults);
        let outcome = printed(handle, "never").await;
        assert!(matches!(outcome, Outcome::Offline { .. }), "{faults:?}: {outcome:?}");
    }
    twin.set_faults(PrinterFaults::default());
    assert_eq!(printed(handle, "six").await, Outcome::Printed);
    assert!(!twin.lines().iter().any(|line| line.starts_with("never")));
    assert_eq!(twin.cuts(), 5);
}

#[tokio::test]
async fn a_printer_on_a_port_is_believed_only_by_its_word() {
    let twin = Twin::serial(Pty::open().unwrap());
    let handle = daemon("printer/escpos-serial", on(&twin));
    all_faults(&twin, &handle).await;
}

#[tokio::test]
async fn a_printer_on_tcp_is_believed_only_by_its_word() {
    let twin = Twin::tcp().await.unwrap();
    let handle = daemon("printer/escpos-tcp", PrinterAt::Net(twin.address().unwrap().to_string()));
    all_faults(&twin, &handle).await;
}

#[tokio::test]
async fn a_printer_that_falls_silent_within_a_receipt_is_uncertain() {
    let twin = Twin::serial(Pty::open().unwrap());
    let handle = daemon("printer/escpos-serial", on(&twin));
    becomes(&handle, PrinterHealth::Well { near_end: false }).await;
    // Well when asked, silent for ever once the paper moves.
    twin.set_faults(PrinterFaults { silent_after_lines: true, ..PrinterFaults::default() });
    let outcome = timeout(Duration::from_secs(20), handle.print(page("lost"))).await.unwrap();
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(twin.lines().len(), 5, "it did print");
}

#[tokio::test]
async fn a_printer_that_is_not_there_is_off_line() {
    let folder = Folder::new();
    let path = folder.0.join("printer").to_str().unwrap().to_owned();
    let settings =
        SerialSettings { path, baud: 9_600, gap: Duration::ZERO, framing: Framing::default() };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap().to_string();
    drop(listener);
    for at in [PrinterAt::Line(settings), PrinterAt::Net(closed)] {
        let handle = daemon("printer/escpos-serial", at);
        let outcome = timeout(Duration::from_secs(20), handle.print(page("x"))).await.unwrap();
        assert!(matches!(outcome, Outcome::Offline { .. }), "{outcome:?}");
    }
}
