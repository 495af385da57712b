//! Printing an order's tickets: the new edition is on record first, then the slips are told to the printer one by one.
//! Whatever the printer does not say is told as unknown.

use axum::http::StatusCode;

use super::{page, slip};
use crate::{
    core::{Input, ticket::Ticket},
    http::{
        error::ApiError,
        ports::PrintOutcome,
        router::Web,
        words::{self, Lang},
    },
    types::TicketId,
};

/// What became of it, for whoever stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct Printed {
    pub(in crate::http) status: StatusCode,
    pub(in crate::http) text: String,
}

impl Printed {
    pub(in crate::http) fn is_done(&self) -> bool {
        self.status == StatusCode::OK
    }

    fn no(status: StatusCode, text: String) -> Self {
        Self { status, text }
    }
}

/// The site's printers; none: nothing can be printed.
pub(in crate::http) fn printers(web: &Web) -> Vec<String> {
    web.receipts.as_ref().map(|receipts| receipts.printers()).unwrap_or_default()
}

/// Tickets of which no paper was made yet.
pub(in crate::http) fn unprinted(tickets: &[Ticket]) -> Vec<TicketId> {
    let is = |ticket: &&Ticket| !ticket.revoked && !ticket.expired && !ticket.is_printed();
    tickets.iter().filter(is).map(|ticket| ticket.id).collect()
}

pub(in crate::http) async fn print(
    web: &Web,
    l: Lang,
    printer: &str,
    tickets: Vec<TicketId>,
    (who, reason): (&str, &str),
) -> Result<Printed, ApiError> {
    let nothing = l.say("没有要打印的票", "There is no ticket to print").to_owned();
    let Some(receipts) = web.receipts.clone().filter(|_| !tickets.is_empty()) else {
        return Ok(Printed::no(StatusCode::CONFLICT, nothing));
    };
    if !receipts.printers().iter().any(|known| known == printer) {
        let text = l.say("请选择打印机", "Choose a printer").to_owned();
        return Ok(Printed::no(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    // From here on the codes on the phones are worth nothing: a slip that does not come out is printed again.
    let (who, reason) = (who.to_owned(), reason.trim().to_owned());
    let told = Input::TicketsPrinted { tickets: tickets.clone(), who: who.clone(), reason };
    if let Err(refusal) = web.desk.tell(told).await? {
        return Ok(Printed::no(StatusCode::CONFLICT, words::refusal(l, &refusal)));
    }
    let (rules, all) = (web.desk.rules(), tickets.len());
    for (done, id) in tickets.into_iter().enumerate() {
        let slip = slip::of(web, &rules, l, &page::by_id(web, id).await?)?;
        let outcome = receipts.print_ticket(printer.to_owned(), slip, l.is_zh(), who.clone()).await;
        if outcome != PrintOutcome::Printed {
            let (status, why) = words_of(l, &outcome);
            let said = match l {
                Lang::Zh => format!("已打印 {done}/{all} 张；票 {id}：{why}"),
                Lang::En => format!("{done} of {all} are printed; ticket {id}: {why}"),
            };
            return Ok(Printed::no(status, said));
        }
    }
    let text = match l {
        Lang::Zh => format!("已打印 {all} 张"),
        Lang::En => format!("{all} printed"),
    };
    Ok(Printed { status: StatusCode::OK, text })
}

fn words_of(l: Lang, outcome: &PrintOutcome) -> (StatusCode, String) {
    match outcome {
        PrintOutcome::Printed => (StatusCode::OK, String::new()),
        PrintOutcome::PaperOut => (
            StatusCode::CONFLICT,
            l.say("打印机缺纸，装纸后请补打", "no paper: put in a roll, then print it again")
                .into(),
        ),
        PrintOutcome::Offline(why) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!(
                "{} ({why})",
                l.say("没有打印，打印机不可用", "not printed, the printer is not ready")
            ),
        ),
        PrintOutcome::Unknown(why) => (
            StatusCode::BAD_GATEWAY,
            format!(
                "{} ({why})",
                l.say(
                    "不确定是否已打印，请查看打印机",
                    "it may be printed or not: look at the printer"
                )
            ),
        ),
        PrintOutcome::Refused(why) => {
            (StatusCode::CONFLICT, format!("{} ({why})", l.say("没有打印", "not printed")))
        }
    }
}
