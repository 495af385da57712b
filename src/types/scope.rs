//! What a program may do by its token: one word for each thing, such as `stays:read`. Knows no route.

use serde::{Deserialize, Serialize};

/// Names each scope once, with what it lets a program do, in Chinese and English.
macro_rules! scopes {
    ($($scope:ident $name:literal $zh:literal $en:literal;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scope {
            $(#[doc = $en] $scope,)+
        }

        impl Scope {
            pub const ALL: &'static [Self] = &[$(Self::$scope,)+];

            pub fn name(self) -> &'static str {
                match self { $(Self::$scope => $name,)+ }
            }

            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$scope),)+ _ => None }
            }

            /// What it lets a program do: Chinese, English.
            pub fn words(self) -> (&'static str, &'static str) {
                match self { $(Self::$scope => ($zh, $en),)+ }
            }
        }
    };
}

scopes! {
    LanesRead "lanes:read" "查看车道" "see the lanes";
    LanesOperate "lanes:operate" "操作车道" "open, close, hold and lock lanes";
    ZonesCount "zones:count" "更正车位计数" "correct the count of a zone";
    StaysRead "stays:read" "查看停车记录" "see stays and what they owe";
    OrdersRead "orders:read" "查看订单" "see orders";
    OrdersWrite "orders:write" "以自己的名义收款" "sell under its own name";
    PaymentsRead "payments:read" "查看付款" "see payments and refunds";
    PaymentsRefund "payments:refund" "申请退款" "ask for refunds";
    ArrearsRead "arrears:read" "查看欠费" "see arrears";
    ShiftsRead "shifts:read" "查看交接班" "see shifts";
    InvoicesRead "invoices:read" "查看发票" "see what became of invoices";
    SettlementRead "settlement:read" "查看对账" "see settlement days and differences";
    SettlementWrite "settlement:write" "结算" "close a settlement day";
    PassesRead "passes:read" "查看月卡、名单与预约" "see passes, lists and reservations";
    PassesWrite "passes:write" "修改月卡、名单与预约" "change passes, lists and reservations";
    TasksRead "tasks:read" "查看任务" "see tasks";
    TasksWrite "tasks:write" "处理任务" "take on and settle tasks";
    AlarmsRead "alarms:read" "查看报警" "see alarms";
    TicketsRead "tickets:read" "查看门票与通行" "see tickets and admissions";
    TicketsWrite "tickets:write" "登记与作废门票" "register and revoke tickets";
    TicketsSell "tickets:sell" "以自己的名义售票" "sell tickets under its own name";
    DevicesRead "devices:read" "查看设备" "see devices and what they say";
    DevicesTest "devices:test" "测试设备" "test devices";
    RulesReload "rules:reload" "重新读取价目" "have prices and products read anew";
    WebhooksWrite "webhooks:write" "管理事件订阅" "subscribe to events";
    PlatesRead "plates:read" "事件中含完整车牌" "have whole plates in events";
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Self::parse(&name).ok_or_else(|| serde::de::Error::custom(format!("no scope is {name}")))
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_known_by_its_name() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.name()), Some(*scope));
        }
        assert_eq!(Scope::parse("lanes"), None);
    }
}
