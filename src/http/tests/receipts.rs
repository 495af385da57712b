//! A receipt that an operator asks for.

use std::sync::Mutex;

use futures::{FutureExt, future::BoxFuture, future::ready};

use super::{phone::Phone, site::Site};
use crate::{
    core::{Input, input::Asked},
    http::ports::{Paid, PrintOutcome, Receipts, Slip},
    types::{Currency, Money, bank::Word},
};

/// Printers that do what their names say.
#[derive(Default)]
pub(super) struct Printers {
    /// Tickets that came out, or should have.
    pub(super) slips: Mutex<Vec<Slip>>,
}

impl Receipts for Printers {
    fn printers(&self) -> Vec<String> {
        ["well", "empty", "dead", "dumb"].map(str::to_owned).to_vec()
    }

    fn print(
        &self,
        printer: String,
        paid: Paid,
        is_zh: bool,
        who: String,
    ) -> BoxFuture<'_, PrintOutcome> {
        assert_eq!((paid.order.amount.minor, is_zh, who.as_str()), (1_000, false, "li"));
        assert!(paid.payment.is_some_and(|payment| payment.order == paid.order.id));
        ready(outcome(&printer)).boxed()
    }

    fn print_ticket(
        &self,
        printer: String,
        slip: Slip,
        _: bool,
        _: String,
    ) -> BoxFuture<'_, PrintOutcome> {
        self.slips.lock().unwrap().push(slip);
        ready(outcome(&printer)).boxed()
    }
}

fn outcome(printer: &str) -> PrintOutcome {
    match printer {
        "well" => PrintOutcome::Printed,
        "empty" => PrintOutcome::PaperOut,
        "dead" => PrintOutcome::Offline("no cable".into()),
        "dumb" => PrintOutcome::Unknown("no word".into()),
        _ => PrintOutcome::Refused("no such".into()),
    }
}

#[tokio::test]
async fn the_outcome_of_a_receipt_is_told_in_words() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let order = site.at_exit("京A12345", std::time::Duration::from_hours(2));
    let here = "/console/stays/1";
    assert!(!phone.text(here).await.contains("Print receipt"), "nothing was paid yet");
    let early = phone.post(&format!("{here}/print"), &[("printer", "well")]).await;
    assert_eq!(early.status().as_u16(), 409);

    site.decide(Input::PayAsked { order }).unwrap();
    let trade = site.generated().pop().unwrap();
    site.bank(&trade, Asked::Generate, Word::Cashier { link: "https://bank/".into() });
    let amount = Money::new(1_000, Currency::Cny);
    let word = Word::Paid { amount, bank_no: "B1".into(), paid_at: None, payer: None };
    site.bank(&trade, Asked::Query, word);
    let page = phone.text(here).await;
    assert!(page.contains("Print receipt") && page.contains("<option>empty"), "{page}");
    for (printer, status, words) in [
        ("well", 200, "The receipt is printed"),
        ("empty", 409, "put in a roll"),
        ("dead", 503, "Not printed: the printer is not ready (no cable)"),
        ("dumb", 502, "It may be printed or not"),
        ("other", 409, "Not printed (no such)"),
    ] {
        let answer = phone.post(&format!("{here}/print"), &[("printer", printer)]).await;
        assert_eq!(answer.status().as_u16(), status, "{printer}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(words), "{printer}: {page}");
    }
    let nobody = Phone::new(address).post(&format!("{here}/print"), &[("printer", "well")]).await;
    assert_eq!(nobody.status().as_u16(), 303, "for operators only");
}
