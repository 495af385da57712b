//! The bank in the daemon's own words, for simulations without a wire. Knows no HTTP and no
//! signatures: a call is judged as a well-configured channel would judge it.

use jiff::{SignedDuration, Timestamp};
use paifang::{
    bank::{Ask, Notification, PayWay, Word},
    types::{Currency, Money},
};

use super::{
    model::Bank,
    words::{
        Answer, Collect, FINAL_CODES, Generate, Notice, RefundLine, RefundStanding, Refusal, Said,
        Standing,
    },
};

/// When a channel gives up: 8 s to connect and 30 s to read.
const GIVES_UP_MS: u32 = 38_000;

/// A word and when the daemon hears it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    pub at: Timestamp,
    pub word: Word,
}

/// Asks the bank at `now`. The deed, if any, is done at once; the word is heard at `Spoken::at`.
pub fn ask(bank: &mut Bank, now: Timestamp, ask: &Ask) -> Spoken {
    let answer = match ask {
        Ask::Generate { out_trade_no, amount, subject, expires_in_s, .. } => {
            let order = Generate {
                out_trade_no: out_trade_no.clone(),
                fen: amount.minor,
                subject: subject.clone(),
                expires_s: *expires_in_s,
                notify_url: Some(String::new()),
            };
            bank.generate(now, order)
        }
        Ask::Query { out_trade_no, .. } => bank.query(now, out_trade_no),
        Ask::Reverse { out_trade_no, way: PayWay::PayerCode } => bank.undo(now, out_trade_no),
        Ask::Reverse { out_trade_no, .. } => bank.reverse(now, out_trade_no),
        Ask::Refund { out_trade_no, refund_no, amount, .. } => {
            bank.refund(now, out_trade_no, refund_no, amount.minor)
        }
        Ask::Collect { out_trade_no, amount, subject, code, .. } => {
            let payment = Collect {
                out_trade_no: out_trade_no.clone(),
                fen: amount.minor,
                subject: subject.clone(),
                code: code.digits().to_owned(),
            };
            bank.collect(now, payment)
        }
        Ask::RefundQuery { out_trade_no, .. } => bank.refund_query(now, out_trade_no),
        Ask::Charge { .. } => {
            let (code, why) = ("unsupported".to_owned(), format!("no {} here", ask.name()));
            return Spoken { at: now, word: Word::Refused { code, why } };
        }
    };
    let after = |ms: u32| now + SignedDuration::from_millis(ms.into());
    match answer {
        Answer { after_ms, said: Some(said) } if after_ms < GIVES_UP_MS => {
            Spoken { at: after(after_ms), word: word(ask, said) }
        }
        Answer { .. } => {
            let why = "the bank did not answer in time".to_owned();
            Spoken { at: after(GIVES_UP_MS), word: Word::Unknown { why } }
        }
    }
}

/// A notification as the daemon hears it once its signature is verified.
pub fn notification(notice: &Notice) -> Notification {
    let number = notice.standing.out_trade_no.clone();
    Notification::of_payment(number, notice.msg_id.clone(), standing(&notice.standing))
}

fn word(ask: &Ask, said: Said) -> Word {
    match said {
        Said::Cashier { token } => Word::Cashier { link: format!("sim:{token}") },
        Said::Standing(said) => standing(&said),
        Said::Reversed { .. } => Word::Reversed,
        Said::Rejected { fen, .. } => Word::RefundDone { amount: yuan(fen) },
        Said::Refunds { refunds, .. } => refund_word(ask, &refunds),
        Said::No(refusal @ (Refusal::BadCode | Refusal::NotEnough)) => {
            Word::Failed { why: refusal.text().to_owned() }
        }
        Said::No(Refusal::NoSuchOrder) if matches!(ask, Ask::Reverse { .. }) => Word::Reversed,
        Said::No(Refusal::NoSuchOrder) if matches!(ask, Ask::Query { .. }) => {
            Word::NoOrder { why: Refusal::NoSuchOrder.text().to_owned() }
        }
        Said::No(refusal) => {
            let (code, why) = (refusal.code().to_string(), refusal.text().to_owned());
            let is_final = FINAL_CODES.contains(&refusal.code());
            if is_final && !matches!(ask, Ask::Query { .. }) {
                Word::Refused { code, why }
            } else {
                Word::Unknown { why: format!("{code}: {why}") }
            }
        }
    }
}

fn refund_word(ask: &Ask, refunds: &[RefundLine]) -> Word {
    let Ask::RefundQuery { refund_no, .. } = ask else {
        return Word::Unknown { why: "not asked".to_owned() };
    };
    let Some(refund) = refunds.iter().find(|refund| refund.refund_no == *refund_no) else {
        return Word::Unknown { why: "no such refund".to_owned() };
    };
    match refund.standing {
        RefundStanding::UnderWay => Word::Refunding,
        RefundStanding::Done => Word::RefundDone { amount: yuan(refund.fen) },
        RefundStanding::Failed => {
            Word::Refused { code: "FAIL".to_owned(), why: "the refund failed".to_owned() }
        }
    }
}

fn standing(said: &Standing) -> Word {
    match said.status {
        0 => Word::Paying,
        1 => Word::Paid {
            amount: yuan(said.total_fen),
            bank_no: said.bank_no.clone(),
            paid_at: said.paid_at,
            payer: None,
        },
        2 => Word::Failed { why: "expired".to_owned() },
        3 => Word::Reversed,
        5 => Word::Refunded,
        6 => Word::PartRefunded,
        other => Word::Unknown { why: format!("status {other}") },
    }
}

fn yuan(fen: i64) -> Money {
    Money::new(fen, Currency::Cny)
}

#[cfg(test)]
mod tests {
    use paifang::bank::PayWay;

    use super::*;
    use crate::bank::Faults;

    #[test]
    fn a_payment_in_the_daemons_words() {
        let mut bank = Bank::new(1, Faults::default());
        let now = Timestamp::UNIX_EPOCH;
        let no = || "P1".to_owned();
        let generate = Ask::Generate {
            out_trade_no: no(),
            amount: yuan(700),
            subject: String::new(),
            expires_in_s: 60,
            asked_at: now,
        };
        let query = Ask::Query { out_trade_no: no(), way: PayWay::Cashier };
        assert!(matches!(ask(&mut bank, now, &query).word, Word::NoOrder { .. }));
        assert!(matches!(ask(&mut bank, now, &generate).word, Word::Cashier { .. }));
        assert_eq!(ask(&mut bank, now, &query).word, Word::Paying);
        bank.customer_pays("P1", now).unwrap();
        let paid = Word::Paid {
            amount: yuan(700),
            bank_no: "SIM00000000000000001".to_owned(),
            paid_at: Some(now),
            payer: None,
        };
        assert_eq!(ask(&mut bank, now, &query).word, paid);
        let due = bank.next_deadline().unwrap();
        assert_eq!(notification(&bank.due_notices(due)[0]).payment(), Some(("P1", &paid)));
        let reverse = Ask::Reverse { out_trade_no: no(), way: PayWay::Cashier };
        assert!(matches!(ask(&mut bank, now, &reverse).word, Word::Refused { .. }));
        let refund = Ask::Refund {
            out_trade_no: no(),
            refund_no: no(),
            amount: yuan(700),
            paid: yuan(700),
            way: PayWay::Cashier,
        };
        assert_eq!(ask(&mut bank, now, &refund).word, Word::RefundDone { amount: yuan(700) });
        assert_eq!(ask(&mut bank, now, &query).word, Word::Refunded);
        bank.set_faults(Faults { silent: 1.0, ..Faults::default() });
        let spoken = ask(&mut bank, now, &query);
        assert!(matches!(spoken.word, Word::Unknown { .. }));
        assert_eq!(spoken.at.duration_since(now).as_secs(), 38);
    }
}
