//! The scenic cloud: tickets by their codes, checked and written off once; the same number again is the same write-off.
//! Codes of its answers are its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// No such ticket; used before; not yet; a write-off that never will be.
pub const NOT_THERE: &str = "94001";
pub const USED: &str = "94002";
pub const REFUSED: &str = "94009";

#[derive(Debug, Default)]
pub struct Scenic {
    tickets: BTreeMap<String, Ticket>,
    /// Write-offs by our number.
    done: BTreeMap<String, String>,
    /// Write-offs to be carried out and not answered.
    pub unanswered: u32,
    /// Checks and write-offs to be neither done nor answered.
    pub silent: bool,
    pub checks: u32,
    pub write_offs: u32,
}

#[derive(Debug)]
struct Ticket {
    number: String,
    persons: u32,
    used: bool,
    refuses: bool,
}

impl Scenic {
    /// Sells a ticket; its number at the cloud is an `N` and the code from behind.
    pub fn sell(&mut self, code: &str, persons: u32) {
        let number = format!("N{}", code.chars().rev().collect::<String>());
        let ticket = Ticket { number, persons, used: false, refuses: false };
        self.tickets.insert(code.to_owned(), ticket);
    }

    /// Used elsewhere, or given back there.
    pub fn use_up(&mut self, code: &str) {
        self.tickets.get_mut(code).into_iter().for_each(|ticket| ticket.used = true);
    }

    /// It is good, and will not be written off.
    pub fn refuse_write_off(&mut self, code: &str) {
        self.tickets.get_mut(code).into_iter().for_each(|ticket| ticket.refuses = true);
    }

    pub fn is_used(&self, code: &str) -> bool {
        self.tickets.get(code).is_some_and(|ticket| ticket.used)
    }

    fn check(&mut self, code: &str) -> Value {
        self.checks += 1;
        match self.tickets.get(code) {
            None => json!({"return_code": NOT_THERE, "return_msg": "票不存在"}),
            Some(ticket) if ticket.used => json!({"return_code": USED, "return_msg": "已使用"}),
            Some(ticket) => json!({
                "return_code": 0, "return_msg": "", "enterType": "10", "ticketType": "0",
                "ticketNoList": [ticket.number],
                "ticketList": [{"ccType": 1, "commName": "成人票", "ticketNum": ticket.persons}],
            }),
        }
    }

    fn write_off(&mut self, trade_no: &str, number: &str) -> Value {
        self.write_offs += 1;
        if self.done.get(trade_no).is_some_and(|done| done == number) {
            return json!({"return_code": 0, "return_msg": "重复"});
        }
        match self.tickets.values_mut().find(|ticket| ticket.number == number) {
            None => json!({"return_code": NOT_THERE, "return_msg": "票不存在"}),
            Some(ticket) if ticket.refuses => {
                json!({"return_code": REFUSED, "return_msg": "不可核销"})
            }
            Some(ticket) if ticket.used => json!({"return_code": USED, "return_msg": "已使用"}),
            Some(ticket) => {
                ticket.used = true;
                self.done.insert(trade_no.to_owned(), number.to_owned());
                json!({"return_code": 0, "return_msg": ""})
            }
        }
    }

    /// `None`: never answered.
    pub(super) fn call(&mut self, call: &str, biz: &Value) -> Option<Value> {
        let text = |name: &str| biz[name].as_str().unwrap_or_default();
        if self.silent {
            return None;
        }
        let needed = ["corpId", "spotId", "cientTransNo"];
        if needed.iter().any(|name| text(name).is_empty()) {
            return Some(json!({"return_code": "94000", "return_msg": "缺少字段"}));
        }
        match call {
            "check/V1" => Some(self.check(text("upData"))),
            "writeoff/V1" => {
                let said = self.write_off(text("cientTransNo"), text("ticketNo"));
                if self.unanswered > 0 {
                    self.unanswered -= 1;
                    return None;
                }
                Some(said)
            }
            _ => Some(json!({"return_code": "94000", "return_msg": "没有此接口"})),
        }
    }
}
