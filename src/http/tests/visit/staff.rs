//! What staff and visitors change afterwards: names, parts of groups, another time, cash that waits, persons inside.

use super::{DAY, ELEVEN, location, ordered, pay, shop::keys};
use crate::{
    core::{Effect, Input, selling::PaidWith, ticket::Ticket},
    http::{
        ports::TicketRecords as _,
        tests::{phone::Phone, site::Site},
    },
    types::OrderId,
};

const NUMBER: &str = "11010519491231002X";

async fn body(answer: reqwest::Response, status: u16) -> String {
    let is = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    assert_eq!(is, status, "{text}");
    text
}

fn ticket(site: &Site, at: usize) -> Ticket {
    site.tickets()[at].clone()
}

/// Sold for cash at the window, with a shift.
async fn sold_at_the_window(site: &Site, phone: &Phone, wish: &[(&str, &str)]) -> OrderId {
    let opened = phone.post("/console/shift/open", &[("booth", "east"), ("amount", "100")]).await;
    assert_eq!(opened.status().as_u16(), 303);
    let sold = phone.post("/console/window", wish).await;
    let here = location(&sold).to_owned();
    body(phone.post(&format!("{here}/cash"), &[("amount", "1000")]).await, 200).await;
    site.orders().last().unwrap().id
}

#[tokio::test]
async fn the_window_keeps_names_and_they_are_read_for_a_reason_only() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let wish = [
        ("day", DAY),
        ("key", "w1"),
        ("slot-day", ELEVEN),
        ("n-named", "1"),
        ("name-named-1", "张三"),
        ("number-named-1", NUMBER),
    ];
    sold_at_the_window(&site, &phone, &wish).await;
    let file = phone.text("/console/tickets/1").await;
    assert!(file.contains("张*") && !file.contains("张三") && !file.contains(NUMBER), "{file}");
    let name = "/console/tickets/1/name";
    assert!(!body(phone.post(name, &[("reason", " ")]).await, 409).await.contains("张三"));
    let opened = body(phone.post(name, &[("reason", "lost child")]).await, 200).await;
    assert!(opened.contains(&format!("张三 · {NUMBER}")), "{opened}");
    assert!(opened.contains("name read · li: lost child"), "on record: {opened}");
    // Another name is kept as well, by the product's rules.
    let rename = "/console/tickets/1/rename";
    let given = [("name", "李四"), ("number", "E12345678"), ("rules", "by")];
    body(phone.post(rename, &given).await, 200).await;
    let opened = body(phone.post(name, &[("reason", "lost again")]).await, 200).await;
    assert!(opened.contains("李四 · E12345678"), "{opened}");
    // After its time it is deleted.
    site.world().sealed.clear();
    let gone = body(phone.post(name, &[("reason", "late")]).await, 409).await;
    assert!(gone.contains("deleted after their time"), "{gone}");
}

#[tokio::test]
async fn a_visitor_returns_some_of_a_group_and_gives_a_ticket_to_somebody_else() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let visitor = Phone::new(address);
    let wish = [
        ("day", DAY),
        ("key", "k1"),
        ("slot-day", ELEVEN),
        ("n-named", "1"),
        ("n-group", "6"),
        ("name-named-1", "张三"),
        ("number-named-1", NUMBER),
    ];
    let (here, order) = ordered(&visitor, &wish).await;
    pay(&site, order);
    let group = site.tickets().into_iter().find(|ticket| ticket.persons == 6).unwrap();
    let named = site.tickets().into_iter().find(|ticket| ticket.visitor.is_some()).unwrap();
    let page = visitor.text(&here).await;
    assert!(page.contains(&format!("name=\"persons-{}\"", group.id)), "{page}");
    assert!(page.contains("Give a ticket to somebody else"), "{page}");
    let (id, persons) = (group.id.to_string(), format!("persons-{}", group.id));
    let some = [("key", "r1"), ("ticket", id.as_str()), (persons.as_str(), "2")];
    // By the rules half goes back from a day before on: 40.00 each.
    let said = body(visitor.post(&format!("{here}/return"), &some).await, 200).await;
    assert!(said.contains("¥40.00") || said.contains("¥80.00"), "{said}");
    let left = site.tickets().into_iter().find(|ticket| ticket.id == group.id).unwrap();
    assert_eq!((left.persons, left.revoked), (4, false));
    let too_many = [("key", "r2"), ("ticket", id.as_str()), (persons.as_str(), "5")];
    body(visitor.post(&format!("{here}/return"), &too_many).await, 409).await;

    let (id, rename) = (named.id.to_string(), format!("{here}/rename"));
    let wrong = [("ticket", id.as_str()), ("name", "李四"), ("number", "110105194912310021")];
    let said = body(visitor.post(&rename, &wrong).await, 409).await;
    assert!(said.contains("digit by digit"), "{said}");
    let right = [("ticket", id.as_str()), ("name", "李四"), ("number", "E12345678")];
    body(visitor.post(&rename, &right).await, 200).await;
    let after = site.tickets().into_iter().find(|ticket| ticket.id == named.id).unwrap();
    assert_eq!((after.visitor.unwrap().name.as_str(), after.edition), ("李*", 1));
    let other = [("ticket", "999"), ("name", "李四"), ("number", "E12345678")];
    assert_eq!(visitor.post(&rename, &other).await.status().as_u16(), 404);
}

#[tokio::test]
async fn an_operator_returns_and_moves_by_the_rules_or_against_them() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let wish = [("day", DAY), ("key", "k1"), ("slot-day", ELEVEN), ("n-adult", "2")];
    let (_, order) = ordered(&Phone::new(address), &wish).await;
    pay(&site, order);
    // 10:45 on the day: half goes back, and nothing is moved any more.
    site.world().now = "2026-11-24T02:45:00Z".parse().unwrap();
    site.decide(Input::Tick).unwrap();
    let phone = Phone::operator(address).await;
    let file = phone.text("/console/tickets/1").await;
    assert!(file.contains("By the rules goes back:") && file.contains("¥40.00"), "{file}");
    let said = [("key", "r1"), ("rules", "by")];
    let said = body(phone.post("/console/tickets/1/return", &said).await, 200).await;
    assert!(said.contains("¥40.00"), "{said}");
    let here = "/console/tickets/2/move";
    let form = phone.text(&format!("{here}?day=2026-11-25")).await;
    assert!(form.contains("day-20261125-0900"), "{form}");
    let to = |rules: &'static str, reason: &'static str| {
        [
            ("key", "m1"),
            ("day", "2026-11-25"),
            ("slot", "day-20261125-0900"),
            ("rules", rules),
            ("reason", reason),
        ]
    };
    body(phone.post(here, &to("by", "")).await, 409).await;
    body(phone.post(here, &to("against", " ")).await, 409).await;
    let moved = body(phone.post(here, &to("against", "storm")).await, 200).await;
    assert!(moved.contains("moved · li: storm"), "{moved}");
    let slot = ticket(&site, 1).sold.unwrap().slot.unwrap();
    assert_eq!(slot.as_str(), "day-20261125-0900");
}

/// A closure gives nobody's cash to whoever is not there: it waits at the window.
#[tokio::test]
async fn cash_of_a_closed_day_is_fetched_at_the_window_once() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let wish = [("day", DAY), ("key", "w1"), ("slot-day", ELEVEN), ("n-adult", "2")];
    let order = sold_at_the_window(&site, &phone, &wish).await;
    let closed = [("from", DAY), ("until", DAY), ("reason", "storm")];
    assert_eq!(phone.post("/console/slots/close", &closed).await.status().as_u16(), 303);
    site.decide(Input::Tick).unwrap();
    let asked = site.effects(|effect| match effect {
        Effect::FindBought { closure, after, .. } => Some((*closure, *after)),
        _ => None,
    });
    let (closure, after) = *asked.last().expect("the closure asks what was bought");
    let bought = site.bought(order).await.unwrap().unwrap();
    assert!(matches!(bought.with, PaidWith::Cash(_)));
    site.decide(Input::ClosureFound { closure, after, bought: vec![bought] }).unwrap();
    let slots = phone.text(&format!("/console/slots?day={DAY}")).await;
    assert!(slots.contains("Of it in cash") && slots.contains("¥160.00"), "{slots}");
    let here = format!("/console/window/o/{order}");
    let page = phone.text(&here).await;
    assert!(page.contains("Cash that waits for whoever paid"), "{page}");
    let fetched = body(phone.post(&format!("{here}/fetch"), &[]).await, 200).await;
    assert!(fetched.contains("Hand over in cash: ¥160.00"), "{fetched}");
    assert!(!fetched.contains("Cash that waits"), "{fetched}");
    body(phone.post(&format!("{here}/fetch"), &[]).await, 409).await;
}

#[tokio::test]
async fn persons_inside_are_shown_counted_and_checked_by_hand_in_groups() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let wish = [("day", DAY), ("key", "k1"), ("slot-day", ELEVEN), ("n-group", "5")];
    let (_, order) = ordered(&Phone::new(address), &wish).await;
    pay(&site, order);
    site.world().now = "2026-11-24T02:45:00Z".parse().unwrap();
    site.decide(Input::Tick).unwrap();
    let phone = Phone::operator(address).await;
    let typed = keys().short_code(ticket(&site, 0).id, 0);
    let check = |id: &'static str, way: &'static str, persons: &'static str| {
        [("id", id), ("zone", "lot"), ("code", typed.as_str()), ("way", way), ("persons", persons)]
    };
    let said = phone.post("/console/gate-check", &check("form-0001", "in", "3")).await;
    let said = body(said, 200).await;
    assert!(said.contains("Let in, on record × 3"), "{said}");
    assert!(said.contains("Group · left 2/5 · ticket 1"), "{said}");
    let said = phone.post("/console/gate-check", &check("form-0002", "in", "3")).await;
    assert!(body(said, 200).await.contains("left 2/5"), "all or none");
    let said = phone.post("/console/gate-check", &check("form-0003", "out", "1")).await;
    assert!(body(said, 200).await.contains("Out, on record"));
    let odd = phone.post("/console/gate-check", &check("form-0004", "in", "0")).await;
    assert_eq!(odd.status().as_u16(), 422);
    assert_eq!(ticket(&site, 0).used, 3);
    let count = [("zone", "lot"), ("found", "7"), ("reason", "the morning's round")];
    let told = phone.post("/console/visitors/count", &count).await;
    assert_eq!(told.status().as_u16(), 303, "{}", told.text().await.unwrap());
    let report = phone.text("/console/visitors").await;
    assert!(report.contains("<span class=\"total\">7</span>"), "{report}");
    let nowhere = [("zone", "moon"), ("found", "7"), ("reason", "round")];
    let told = phone.post("/console/visitors/count", &nowhere).await;
    assert_eq!(told.status().as_u16(), 409);
    let worker = phone.text("/console/gate-check/sw.js").await;
    assert!(worker.contains("/console/gate-check"));
}

#[tokio::test]
async fn a_kiosk_fills_the_screen_and_begins_anew_when_nobody_touches_it() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let operator = Phone::operator(address).await;
    let mut kiosk = Phone::new(address);
    let manifest = kiosk.get("/kiosk/manifest.webmanifest").await;
    let kind = manifest.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(kind, "application/manifest+json");
    let manifest: serde_json::Value =
        serde_json::from_str(&manifest.text().await.unwrap()).unwrap();
    assert_eq!(
        (&manifest["display"], &manifest["start_url"]),
        (&"fullscreen".into(), &"/kiosk".into())
    );
    let page = operator.post("/console/counters", &[("name", "kiosk-1")]).await;
    let page = page.text().await.unwrap();
    let token = page.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let set = kiosk.post("/kiosk/setup", &[("token", &token), ("printer", "well")]).await;
    kiosk.keep_cookie(&set);
    let home = kiosk.text("/kiosk").await;
    assert!(home.contains("manifest.webmanifest") && !home.contains("data-idle"), "{home}");
    let buy = kiosk.text(&format!("/kiosk/buy?day={DAY}")).await;
    assert!(buy.contains("data-idle=\"90\""), "{buy}");
    let outside = buy.split("<noscript>").next().unwrap();
    assert!(!outside.contains("http-equiv=\"refresh\""), "not while somebody types: {buy}");
}
