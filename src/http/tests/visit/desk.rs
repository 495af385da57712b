//! The window and the operators' pages of tickets.

use crate::http::ports::Desk as _;

use super::{DAY, ELEVEN, links, location, ordered, pay, shop::keys};
use crate::{
    core::presented::{Presented, Shown},
    core::ticket::Medium,
    http::tests::{phone::Phone, site::Site},
};

#[tokio::test]
async fn the_window_takes_cash_and_prints_once() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let opened = phone.post("/console/shift/open", &[("booth", "east"), ("amount", "100")]).await;
    assert_eq!(opened.status().as_u16(), 303);
    let wish =
        [("day", DAY), ("key", "w1"), ("slot-day", ELEVEN), ("n-adult", "2"), ("n-group", "5")];
    let sold = phone.post("/console/window", &wish).await;
    assert_eq!(sold.status().as_u16(), 303, "{}", sold.text().await.unwrap());
    let here = location(&sold).to_owned();
    let due = phone.text(&here).await;
    assert!(due.contains("¥360.00") && due.contains("<svg"), "{due}");
    let paid = phone.post(&format!("{here}/cash"), &[("amount", "400"), ("printer", "well")]).await;
    let text = paid.text().await.unwrap();
    assert!(text.contains("Change: ¥40.00") && text.contains("3 printed"), "{text}");
    let slips = site.printers.slips.lock().unwrap().clone();
    let now = site.world().now;
    for slip in &slips {
        let Presented::Signed(claims, Shown::Still, _) = keys().read(&slip.code, now) else {
            panic!("{} is no code of this site", slip.code);
        };
        assert_eq!((claims.medium, claims.edition, claims.ticket), (Medium::Paper, 1, slip.ticket));
        assert_eq!(slip.again, 0);
    }
    assert_eq!(slips.len(), 3);
    // Nothing is left to print; once more needs a reason, and kills the former.
    let print = format!("{here}/print");
    assert_eq!(phone.post(&print, &[("printer", "well")]).await.status().as_u16(), 409);
    let ticket = slips[0].ticket.to_string();
    let again = |reason: &'static str| {
        let fields = [("printer", "dumb"), ("ticket", &ticket), ("reason", reason)];
        fields.map(|(name, value)| (name, value.to_owned()))
    };
    let fields = again("");
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_eq!(phone.post(&print, &fields).await.status().as_u16(), 422);
    let fields = again("torn");
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let unknown = phone.post(&print, &fields).await;
    assert_eq!(unknown.status().as_u16(), 502);
    assert!(unknown.text().await.unwrap().contains("may be printed or not"));
    let slip = site.printers.slips.lock().unwrap().last().unwrap().clone();
    assert_eq!((slip.again, slip.ticket), (1, slips[0].ticket));
    assert_ne!(slip.code, slips[0].code);
    let file = phone.text(&format!("/console/tickets/{ticket}")).await;
    assert!(file.contains("printed again · li: torn"), "{file}");
}

#[tokio::test]
async fn cash_that_waits_is_listed_and_much_of_it_needs_a_second_person() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let _ = phone.post("/console/shift/open", &[("booth", "east"), ("amount", "2000")]).await;
    let nine = "day-20261124-0900";
    let wish = [("day", DAY), ("key", "w1"), ("slot-day", nine), ("n-group", "16")];
    let here = location(&phone.post("/console/window", &wish).await).to_owned();
    let _ = phone.post(&format!("{here}/cash"), &[("amount", "640"), ("printer", "well")]).await;
    assert!(!phone.text("/console/window").await.contains("Cash that waits"));
    // More than the 500.00 that one person hands over.
    let ticket = site.tickets()[0].id;
    let back = [("rules", "against"), ("reason", "storm"), ("key", "r1"), ("persons", "16")];
    let said = phone.post(&format!("/console/tickets/{ticket}/return"), &back).await;
    let said = said.text().await.unwrap();
    assert!(said.contains("with a second person: ¥640.00"), "{said}");
    let window = phone.text("/console/window").await;
    assert!(window.contains("Cash that waits") && window.contains("640.00"), "{window}");
    let list = phone.text("/console/tasks").await;
    assert!(list.contains("Cash of returned tickets waits") && list.contains(&here), "{list}");
    let fetch = format!("{here}/fetch");
    let alone = phone.post(&fetch, &[]).await;
    assert_eq!(alone.status().as_u16(), 409);
    let wrong = [("second", "wang"), ("second_password", "guess")];
    let wrong = phone.post(&fetch, &wrong).await;
    assert_eq!(wrong.status().as_u16(), 409);
    assert!(wrong.text().await.unwrap().contains("name or password is wrong"));
    assert!(phone.text(&here).await.contains("640.00"));
}

#[tokio::test]
async fn paper_takes_the_place_of_the_phone() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let visitor = Phone::new(address);
    let wish = [("day", DAY), ("key", "k1"), ("slot-day", ELEVEN), ("n-child", "1")];
    let (here, order) = ordered(&visitor, &wish).await;
    pay(&site, order);
    let phone = Phone::operator(address).await;
    let code = keys().pickup_code(order, 0);
    let found = phone.post("/console/window/collect", &[("code", &code)]).await;
    let desk = location(&found).to_owned();
    assert_eq!(desk, format!("/console/window/o/{order}"));
    let printed = phone.post(&format!("{desk}/print"), &[("printer", "well")]).await;
    assert_eq!(printed.status().as_u16(), 200);
    let page = visitor.text(&links(&visitor.text(&here).await, "/t/")[0]).await;
    assert!(page.contains("show the paper ticket") && super::data(&page, "code").is_empty());
    assert_eq!(site.printers.slips.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_operator_changes_places_and_tickets_with_a_reason() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let slot = |act: &'static str, places: &'static str, reason: &'static str| {
        [
            ("schedule", "day"),
            ("slot", ELEVEN),
            ("day", DAY),
            ("act", act),
            ("places", places),
            ("reason", reason),
        ]
    };
    assert_eq!(phone.post("/console/slots", &slot("places", "3", "")).await.status().as_u16(), 409);
    let set = phone.post("/console/slots", &slot("places", "3", "works")).await;
    assert_eq!(set.status().as_u16(), 303);
    assert!(phone.text(&format!("/visit?day={DAY}")).await.contains("left 3"));
    let wish = [("day", DAY), ("key", "k1"), ("slot-day", ELEVEN), ("n-child", "1")];
    let (_, order) = ordered(&Phone::new(address), &wish).await;
    pay(&site, order);
    let report = phone.text(&format!("/console/visitors?day={DAY}")).await;
    assert!(report.contains("11:00-13:00") && report.contains("¥40.00"), "{report}");
    let csv = phone.text(&format!("/console/visitors/{DAY}/csv")).await;
    assert!(csv.contains("11:00-13:00,child,Child,page,1,0,0,40.00,CNY"), "{csv}");
    let page = phone.text(&format!("/console/slots?day={DAY}")).await;
    assert!(page.contains("1/107"), "{page}");
    let revoke = "/console/tickets/1/revoke";
    assert_eq!(phone.post(revoke, &[("reason", " ")]).await.status().as_u16(), 409);
    assert_eq!(phone.post(revoke, &[("reason", "fraud")]).await.status().as_u16(), 200);
    let file = phone.text("/console/tickets/1").await;
    assert!(file.contains("li: fraud") && file.contains("Returned"), "{file}");
    let shut = phone.post("/console/slots", &slot("close", "", "storm")).await;
    assert_eq!(shut.status().as_u16(), 303);
    assert!(phone.text(&format!("/visit?day={DAY}")).await.contains("closed"));
}

#[tokio::test]
async fn a_kiosk_sells_prints_and_hands_out() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let operator = Phone::operator(address).await;
    let mut kiosk = Phone::new(address);
    assert_eq!(location(&kiosk.get("/kiosk").await), "/kiosk/setup");
    let wrong = [("token", "guess"), ("printer", "well")];
    assert_eq!(kiosk.post("/kiosk/setup", &wrong).await.status().as_u16(), 422);
    let page =
        operator.post("/console/counters", &[("name", "kiosk-1")]).await.text().await.unwrap();
    let token = page.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let set = kiosk.post("/kiosk/setup", &[("token", &token), ("printer", "well")]).await;
    assert_eq!(location(&set), "/kiosk");
    kiosk.keep_cookie(&set);
    assert!(kiosk.text("/kiosk").await.contains("Collect tickets"));
    let buy = kiosk.text(&format!("/kiosk/buy?day={DAY}")).await;
    assert!(buy.contains("Adult") && !buy.contains("With a name"), "{buy}");

    let wish = [("day", DAY), ("key", "q1"), ("slot-day", ELEVEN), ("n-adult", "2")];
    let ordered_here = kiosk.post("/kiosk/order", &wish).await;
    let here = location(&ordered_here).to_owned();
    let due = kiosk.text(&here).await;
    assert!(due.contains("<svg") && due.contains("160.00"), "{due}");
    assert_eq!(Phone::new(address).get(&here).await.status().as_u16(), 303, "of this kiosk only");
    pay(&site, site.orders().last().unwrap().id);
    assert!(kiosk.text(&here).await.contains("Please take your tickets"));
    assert_eq!(site.printers.slips.lock().unwrap().len(), 2);
    assert!(kiosk.text(&here).await.contains("printed already"), "once");

    let wish = [("day", DAY), ("key", "k1"), ("slot-day", ELEVEN), ("n-child", "1")];
    let (_, order) = ordered(&Phone::new(address), &wish).await;
    pay(&site, order);
    let code = keys().pickup_code(order, 0);
    let text = kiosk.post("/kiosk/collect", &[("code", &code)]).await.text().await.unwrap();
    assert!(text.contains("Please take your tickets"), "{text}");
    let again = kiosk.post("/kiosk/collect", &[("code", &code)]).await.text().await.unwrap();
    assert!(again.contains("printed already"), "{again}");
    assert_eq!(site.printers.slips.lock().unwrap().len(), 3);
}

async fn checked(phone: &Phone, id: &str, code: &str, ago_ms: u64) -> (String, String) {
    let body = serde_json::json!({ "id": id, "code": code, "zone": "lot", "ago_ms": ago_ms });
    let request = phone.ask(reqwest::Method::POST, "/console/gate-check");
    let request = request.header("origin", phone.base.clone());
    let answer = request.header("content-type", "application/json").body(body.to_string());
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let said: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    (said["state"].as_str().unwrap().to_owned(), said["text"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn staff_check_by_hand_once_and_late_scans_count_from_when_they_were_made() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let wish =
        [("day", DAY), ("key", "k1"), ("slot-day", ELEVEN), ("n-adult", "1"), ("n-group", "5")];
    let (_, order) = ordered(&Phone::new(address), &wish).await;
    pay(&site, order);
    // 10:45 on the day, within the half hour before.
    site.world().now = "2026-11-24T02:45:00Z".parse().unwrap();
    site.decide(crate::core::Input::Tick).unwrap();
    let phone = Phone::operator(address).await;
    let page = phone.text("/console/gate-check").await;
    assert!(page.contains("name=\"zone\"") && page.contains("name=\"code\""), "{page}");
    let now = site.world().now;
    let tickets = site.tickets();
    let code = |at| {
        let signed = keys().code(&tickets[0], &site.rules().tickets);
        let seed = keys().seed(tickets[0].id, tickets[0].edition);
        format!("{signed}{}", crate::tickets::part(&seed, at))
    };
    // A picture of it, and what no site signed.
    let old = now - std::time::Duration::from_mins(5);
    assert_eq!(checked(&phone, "scan-0001", &code(old), 0).await.0, "no");
    assert_eq!(checked(&phone, "scan-0002", "NOBODY-KNOWS-IT", 0).await.0, "no");
    // Made five minutes ago without network, sent now, and once more since the answer was lost.
    assert_eq!(checked(&phone, "scan-0003", &code(old), 300_000).await.0, "ok");
    let again = checked(&phone, "scan-0003", &code(old), 302_000).await;
    assert_eq!(again, ("ok".to_owned(), "Let in by this scan already".to_owned()));
    assert_eq!(site.tickets()[0].used, 1);
    assert_eq!(checked(&phone, "scan-0004", &code(now), 0).await.0, "no", "it is used up");
    assert_eq!(checked(&phone, "scan-0001", &code(old), 0).await.0, "no");
    // A group by its typed code, person by person.
    let typed = keys().short_code(tickets[1].id, tickets[1].edition);
    for n in 0..5 {
        assert_eq!(checked(&phone, &format!("group-{n:04}"), &typed, 0).await.0, "ok", "{n}");
    }
    assert_eq!(checked(&phone, "group-0005", &typed, 0).await.0, "no");
    let form = [("id", "form-0001"), ("zone", "lot"), ("code", "x")];
    let said = phone.post("/console/gate-check", &form).await.text().await.unwrap();
    assert!(said.contains("role=\"alert\""), "without script: {said}");
}

#[tokio::test]
async fn a_card_is_bound_to_a_ticket_at_the_window_unbound_and_lost() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let _ = phone.post("/console/shift/open", &[("booth", "east"), ("amount", "100")]).await;
    let wish = [("day", DAY), ("key", "w1"), ("slot-day", ELEVEN), ("n-adult", "1")];
    let here = location(&phone.post("/console/window", &wish).await).to_owned();
    let _ = phone.post(&format!("{here}/cash"), &[("amount", "100"), ("printer", "well")]).await;
    let ticket = site.world().state.tickets.keys().next().copied().unwrap();
    let at = |what: &str| format!("/console/tickets/{ticket}/card/{what}");
    let nothing = phone.post(&at("bind"), &[]).await;
    assert_eq!(nothing.status().as_u16(), 409, "no card was held");
    let bound = phone.post(&at("bind"), &[("card", "26:2d00a280")]).await.text().await.unwrap();
    assert!(bound.contains("…280") && !bound.contains("2d00a2"), "{bound}");
    let card = site.world().state.cards.keys().next().copied().unwrap().to_string();
    let lost = [("known", card.as_str()), ("reason", "on the bus")];
    let page = phone.post(&at("lost"), &lost).await.text().await.unwrap();
    assert!(page.contains("on the bus"), "{page}");
    let unbound = phone.post(&at("unbind"), &lost).await;
    assert_eq!(unbound.status().as_u16(), 200);
    assert!(site.world().state.cards.is_empty());
    assert_eq!(phone.post(&at("unbind"), &lost).await.status().as_u16(), 409);
}
