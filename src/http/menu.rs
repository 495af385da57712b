//! The links in the header of the console, in groups, as far as the reader has the right to them. Knows no page's
//! content.

use super::{roles::Right, signin::Signed, words::Lang};

/// Links under one heading.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) links: Vec<Link>,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) to: &'static str,
    pub(super) name: &'static str,
    /// The key that leads there; empty: none.
    pub(super) key: &'static str,
    /// As `aria-current` says it; empty: the reader is elsewhere.
    pub(super) current: &'static str,
}

impl Group {
    pub(super) fn is_here(&self) -> bool {
        self.links.iter().any(|link| !link.current.is_empty())
    }
}

/// Which link a path belongs to.
fn section(path: &str) -> &str {
    const ELSEWHERE: [(&str, &str); 3] = [
        ("/console/lanes", "/console"),
        ("/console/orders", "/console/payments"),
        ("/console/differences", "/console/settlement"),
    ];
    let mut parts = path.match_indices('/').map(|(at, _)| at).skip(2);
    let first = parts.next().map_or(path, |end| &path[..end]);
    ELSEWHERE.iter().find(|(from, _)| *from == first).map_or(first, |(_, to)| to)
}

/// Whether the link is the very page (`page`), what it belongs to (`true`), or neither.
pub(super) fn current(signed: &Signed, to: &str) -> &'static str {
    match signed.uri.path() {
        path if path == to => "page",
        path if section(path) == to => "true",
        _ => "",
    }
}

/// `tickets`, `invoices`: what the site has.
pub(super) fn groups(l: Lang, signed: &Signed, tickets: bool, invoices: bool) -> Vec<Group> {
    let site = vec![
        ("/console", l.say("车道", "Lanes"), Right::SeeLanes),
        ("/console/zones", l.say("车位", "Spaces"), Right::SeeSpaces),
        ("/console/admissions", l.say("通行", "Admissions"), Right::SeeAdmissions),
        ("/console/devices", l.say("设备", "Devices"), Right::SeeDevices),
    ];
    let vehicles = vec![
        ("/console/stays", l.say("在场车辆", "Open stays"), Right::SeeStays),
        ("/console/passes", l.say("月卡", "Passes"), Right::SeeRegister),
        ("/console/lists", l.say("名单", "Lists"), Right::SeeRegister),
        ("/console/reservations", l.say("访客", "Visitors"), Right::SeeRegister),
        ("/console/arrears", l.say("欠费", "Arrears"), Right::SeeArrears),
        ("/console/tariffs", l.say("收费标准", "Tariffs"), Right::SeeTariffs),
    ];
    let mut money = vec![
        ("/console/shift", l.say("岗亭", "Counter"), Right::TakeCash),
        ("/console/payments", l.say("付款", "Payments"), Right::SeePayments),
        ("/console/settlement", l.say("对账", "Settlement"), Right::SeeSettlement),
        ("/console/reports", l.say("报表", "Reports"), Right::SeeReports),
        ("/console/merchants", l.say("商户", "Merchants"), Right::SeeMerchants),
    ];
    if invoices {
        money.push(("/console/invoices", l.say("发票", "Invoices"), Right::IssueInvoices));
    }
    let visits = vec![
        ("/console/window", l.say("售票", "Sell tickets"), Right::SellTickets),
        ("/console/tickets", l.say("门票", "Tickets"), Right::SeeTickets),
        ("/console/gate-check", l.say("手持检票", "Check by hand"), Right::CheckTickets),
        ("/console/slots", l.say("时段", "Time slots"), Right::SeeSlots),
        ("/console/visitors", l.say("客流", "Attendance"), Right::SeeAttendance),
    ];
    let office = vec![
        ("/console/users", l.say("用户", "Users"), Right::ChangeUsers),
        ("/console/audit", l.say("操作记录", "Audit trail"), Right::SeeAudit),
        ("/console/programs", l.say("程序与订阅", "Programs"), Right::ChangePrograms),
        ("/console/counters", l.say("柜台程序", "Counters"), Right::ChangePrograms),
    ];
    let all = [
        (l.say("现场", "Site"), site),
        (l.say("车辆", "Vehicles"), vehicles),
        (l.say("收银", "Money"), money),
        (l.say("门票", "Tickets"), if tickets { visits } else { Vec::new() }),
        (l.say("管理", "Office"), office),
    ];
    let group = |(name, links): (&'static str, Vec<(&'static str, &'static str, Right)>)| {
        let links = links.into_iter().filter(|(.., right)| signed.may(*right));
        let link = |(to, name, _)| {
            let key = match to {
                "/console" => "l",
                "/console/shift" => "b",
                _ => "",
            };
            Link { to, name, key, current: current(signed, to) }
        };
        Group { name, links: links.map(link).collect() }
    };
    all.into_iter().map(group).filter(|group| !group.links.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_belongs_to_its_link() {
        for (path, link) in [
            ("/console", "/console"),
            ("/console/lanes/in", "/console"),
            ("/console/stays/12", "/console/stays"),
            ("/console/window/o/3", "/console/window"),
            ("/console/orders/3", "/console/payments"),
            ("/console/differences/3", "/console/settlement"),
        ] {
            assert_eq!(section(path), link, "{path}");
        }
    }
}
