//! A site's printers: their tasks, their alarms, and receipts of paid stays for whoever asks. Decides nothing and knows
//! no byte of a printer.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use paifang_devices::{
    Capability,
    escpos::{Block, Document, Escpos},
};
use tracing::info;

use super::{
    App, Busy,
    daemon::StartError,
    field::{
        self, Outcome, Printer, PrinterAt, PrinterHandle, PrinterHealth, Probe, Pulse, Receipt,
    },
    parts::Parts,
};
use crate::{
    config::{Device, Language, Site},
    core::{AlarmKind, Input, Rules},
    crash_point::{self, Step},
    http::ports::{Fault, Paid, PrintOutcome, Receipts, Slip},
    io::serial::SerialSettings,
};

impl Parts {
    /// A task for each printer and one that tells how it is.
    pub(super) fn printers(&mut self, site: &Site) -> Result<Vec<PrinterHandle>, StartError> {
        let mut printers = Vec::new();
        for device in site.devices.values().filter(|d| d.profile.can(Capability::Print)) {
            let wrong = |what: String| StartError::Device { device: device.id.clone(), what };
            let escpos = Escpos::new(&device.profile).map_err(|e| wrong(e.to_string()))?;
            let at =
                place(site, device).ok_or_else(|| wrong("it has no line or address".into()))?;
            let reply_ms = device.profile.timings.reply_timeout_ms.unwrap_or(1_000);
            let reply_max = Duration::from_millis(reply_ms.into());
            let (task, handle) = Printer::new(device.id.clone(), escpos, at, reply_max);
            self.tasks.spawn(task.run());
            let pulse = self.health.register(&device.id, &device.profile, None);
            self.tasks.spawn(watch(self.app.clone(), handle.clone(), pulse));
            self.probes.insert(device.id.clone(), probe(handle.clone()));
            printers.push(handle);
        }
        Ok(printers)
    }
}

/// Prints two lines, and says what became of them.
fn probe(printer: PrinterHandle) -> Probe {
    Arc::new(move || {
        let printer = printer.clone();
        let mut document = Document::default();
        document.line("打印测试").line("Paifang 0123456789").push(Block::Cut);
        Box::pin(async move {
            match printer.print(document).await {
                Outcome::Printed => Ok("printed".to_owned()),
                Outcome::PaperOut => Err("it has no paper".to_owned()),
                Outcome::Offline { why } | Outcome::Unknown { why } | Outcome::Refused { why } => {
                    Err(why)
                }
            }
        })
    })
}

fn place(site: &Site, device: &Device) -> Option<PrinterAt> {
    if let Some(at) = &device.net {
        return Some(PrinterAt::Net(at.clone()));
    }
    let bus = site.buses.get(device.bus.as_ref()?)?;
    let path = bus.path.to_string_lossy().into_owned();
    let (gap, framing) = (Duration::ZERO, bus.framing);
    Some(PrinterAt::Line(SerialSettings { path, baud: bus.baud, gap, framing }))
}

/// Tells the operator what keeps a printer from printing, and when it is well again.
async fn watch(app: App, printer: PrinterHandle, pulse: Pulse) {
    let mut health = printer.health();
    // What the journal still holds of the last run is cleared by the first word of the printer.
    let mut raised: Option<AlarmKind> = None;
    let mut first = true;
    loop {
        let now = health.borrow_and_update().clone();
        match now {
            PrinterHealth::Well { .. } | PrinterHealth::PaperOut => pulse.heard(),
            PrinterHealth::Offline { .. } => pulse.failed(Fault::Unreachable),
            PrinterHealth::Unknown => {}
        }
        if now != PrinterHealth::Unknown {
            let told = tell(&app, &printer, &now, first, &mut raised).await;
            if told.is_err() {
                return;
            }
            first = false;
        }
        if health.changed().await.is_err() {
            return;
        }
    }
}

async fn tell(
    app: &App,
    printer: &PrinterHandle,
    health: &PrinterHealth,
    first: bool,
    raised: &mut Option<AlarmKind>,
) -> Result<(), Busy> {
    let subject = || printer.id.to_string();
    let (trouble, detail) = match health {
        PrinterHealth::PaperOut => (Some(AlarmKind::PaperOut), "no paper".to_owned()),
        PrinterHealth::Offline { why } => (Some(AlarmKind::DeviceSilent), why.clone()),
        PrinterHealth::Well { .. } | PrinterHealth::Unknown => (None, String::new()),
    };
    for kind in [AlarmKind::PaperOut, AlarmKind::DeviceSilent] {
        if (first || *raised == Some(kind)) && trouble != Some(kind) {
            app.submit(Input::Well { subject: subject(), kind }, None).await?;
        }
    }
    *raised = trouble;
    if let Some(kind) = trouble {
        app.submit(Input::Trouble { subject: subject(), kind, detail }, None).await?;
    }
    Ok(())
}

/// Receipts, for pages.
#[derive(Debug)]
pub(super) struct ReceiptDesk {
    pub(super) app: App,
    pub(super) rules: Arc<Rules>,
    pub(super) printers: Vec<PrinterHandle>,
}

impl Receipts for ReceiptDesk {
    fn printers(&self) -> Vec<String> {
        self.printers.iter().map(|printer| printer.id.to_string()).collect()
    }

    fn print(
        &self,
        printer: String,
        paid: Paid,
        is_zh: bool,
        who: String,
    ) -> BoxFuture<'_, PrintOutcome> {
        Box::pin(async move {
            let named = self.printers.iter().find(|one| one.id.as_str() == printer);
            let Some(one) = named else {
                return PrintOutcome::Refused("no printer is called so".into());
            };
            let document = Receipt {
                language: if is_zh { Language::Zh } else { Language::En },
                site: &self.rules.site_name,
                zone: &self.rules.zone,
                stay: &paid.stay,
                order: &paid.order,
                payment: paid.payment.as_ref(),
                cash: paid.cash.as_ref(),
                invoice: paid.invoice.as_ref().map(|(link, code)| (link.as_str(), code.as_str())),
                paid_at: paid.at,
                printed_at: self.app.now(),
                columns: one.columns,
            }
            .document();
            let outcome = one.print(document).await;
            info!(printer, who, stay = %paid.stay.id, ?outcome, "a receipt was asked for");
            told(outcome)
        })
    }

    fn print_ticket(
        &self,
        printer: String,
        slip: Slip,
        is_zh: bool,
        who: String,
    ) -> BoxFuture<'_, PrintOutcome> {
        Box::pin(async move {
            let named = self.printers.iter().find(|one| one.id.as_str() == printer);
            let Some(one) = named else {
                return PrintOutcome::Refused("no printer is called so".into());
            };
            let language = if is_zh { Language::Zh } else { Language::En };
            crash_point::at(Step::BeforePrint, "");
            let outcome = one.print(field::slip(language, &self.rules.site_name, &slip)).await;
            crash_point::at(Step::Printed, "");
            info!(printer, who, ticket = %slip.ticket, ?outcome, "a ticket was printed");
            told(outcome)
        })
    }
}

fn told(outcome: Outcome) -> PrintOutcome {
    match outcome {
        Outcome::Printed => PrintOutcome::Printed,
        Outcome::PaperOut => PrintOutcome::PaperOut,
        Outcome::Offline { why } => PrintOutcome::Offline(why),
        Outcome::Unknown { why } => PrintOutcome::Unknown(why),
        Outcome::Refused { why } => PrintOutcome::Refused(why),
    }
}
