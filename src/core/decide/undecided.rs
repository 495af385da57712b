//! What a person may do about a payment nobody knows the end of: have it asked about, or closed. Nothing here collects
//! anything, so nothing can charge twice.

use super::Desk;
use crate::{
    core::{
        change::Change,
        effect::Effect,
        input::{Answer, PaymentAct, Refusal, Reply},
        money::PaymentState,
        till::TillDid,
    },
    types::{PaymentId, bank::Ask},
};

impl Desk<'_> {
    pub(super) fn payment_acted(&mut self, id: PaymentId, act: &PaymentAct, who: String) -> Reply {
        if let PaymentAct::Portal { paid, note } = act {
            return self.portal_said(id, *paid, note, &who);
        }
        let payment = self.payment(id).filter(|payment| payment.state.is_undecided()).cloned();
        let mut payment = payment.ok_or(Refusal::Decided(id))?;
        let (out_trade_no, way) = (payment.out_trade_no.clone(), payment.way);
        let (did, ask) = match act {
            PaymentAct::Ask => (TillDid::PaymentAsked, Ask::Query { out_trade_no, way }),
            PaymentAct::Close | PaymentAct::Portal { .. } => {
                (TillDid::PaymentClosed, Ask::Reverse { out_trade_no, way })
            }
        };
        if *act == PaymentAct::Close {
            payment.state = PaymentState::Reversing;
            payment.asks = 1;
        }
        payment.next_ask = Some(self.patience(&payment));
        let (channel, amount) = (payment.channel.clone(), payment.amount);
        let stay = self.order(payment.order).and_then(|order| order.stay);
        let shift = self.shift_of(&who).map(|shift| shift.id);
        self.record(Change::Payment(payment));
        self.record(Change::TillActed {
            did,
            who,
            reason: String::new(),
            amount,
            lane: None,
            stay,
            shift,
            picture: None,
            payment: Some(id),
        });
        self.act(Effect::AskBank { channel, ask });
        Ok(Answer::Done)
    }
}
