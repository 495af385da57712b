//! What an operator looks for: the search box, the trail, the work list.

use std::time::Duration;

use super::{
    phone::{Phone, location},
    site::{PASSWORD, Site},
};
use crate::{
    core::{Input, input::Asked},
    types::{Role, bank::Word},
};

#[tokio::test]
async fn one_box_finds_plates_orders_and_payments() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let operator = Phone::operator(address).await;
    site.enter("沪C88888");
    site.enter("京A12345");
    let order = site.at_exit("粤B54321", Duration::from_hours(2));
    site.decide(Input::PayAsked { order }).unwrap();
    let trade = site.generated()[0].clone();

    let near = operator.text("/console/search?q=%E4%BA%ACA1Z345").await;
    assert!(near.contains("京A12345") && near.contains("like it"), "{near}");
    assert!(!near.contains("沪C88888"), "{near}");
    assert!(near.contains("value=\"京A1Z345\""), "it stays in the box");
    let exact = operator.get("/console/search?q=%E6%B2%AA%C2%B7c88888").await;
    assert_eq!((exact.status().as_u16(), location(&exact)), (303, "/console/stays/1"));
    let part = operator.text("/console/search?q=888").await;
    assert!(part.contains("/console/stays/1"), "{part}");
    let paid = operator.get(&format!("/console/search?q={trade}")).await;
    assert_eq!(location(&paid), "/console/payments/1");
    let number = operator.text(&format!("/console/search?q={order}")).await;
    assert!(number.contains(&format!("/console/orders/{order}")), "{number}");
    assert!(number.contains(&format!("/console/stays/{order}")), "a stay has that number too");
    let odd = operator.text("/console/search?q=%3Cscript%3E&lang=en").await;
    assert!(odd.contains("Nothing found") && !odd.contains("<script>"), "{odd}");
    assert!(odd.contains("?q=%3Cscript%3E&#38;lang=zh"), "the other language keeps it: {odd}");
}

#[tokio::test]
async fn the_search_shows_what_its_reader_may_see() {
    let site = Site::new();
    site.add_person("men", Role::Gate, false);
    let (address, _stop) = site.serve().await;
    let mut guard = Phone::new(address);
    guard.sign_in("men", PASSWORD).await;
    site.enter("京A12345");
    assert!(guard.text("/console/search?q=A12345").await.contains("Nothing found"));
}

#[tokio::test]
async fn the_trail_has_acts_sign_ins_and_changes_of_accounts() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let mut stranger = Phone::new(address);
    stranger.sign_in("li", "not it").await;
    stranger.sign_in("a password in the wrong field", "x").await;
    let li = Phone::operator(address).await;
    site.after(Duration::from_secs(1));
    let lock = [("act", "lock"), ("reason", "snow")];
    assert_eq!(li.post("/console/lanes/out/operate", &lock).await.status().as_u16(), 303);
    site.after(Duration::from_secs(1));
    li.post("/console/users", &[("name", "王芳"), ("role", "booth")]).await;

    let trail = li.text("/console/audit").await;
    let order: Vec<_> = ["Made the account of", "Lock · snow", "Signed in", "wrong password"]
        .iter()
        .map(|text| trail.find(text).unwrap_or_else(|| panic!("{text}: {trail}")))
        .collect();
    assert!(order.is_sorted(), "newest first: {trail}");
    assert!(trail.contains("no such account") && !trail.contains("wrong field"), "{trail}");
    for (query, has, has_not) in [
        ("who=li&kind=lane", "snow", "Signed in"),
        ("kind=account", "王芳", "snow"),
        ("lane=in", "The loops and limits are not heard", "snow"),
        ("lane=out", "snow", "Signed in"),
        ("who=%E7%8E%8B%E8%8A%B3", "Made the account", "snow"),
        ("day=2026-11-23", "snow", "Nothing on record"),
        ("day=2026-11-22", "Nothing on record", "snow"),
    ] {
        let page = li.text(&format!("/console/audit?{query}")).await;
        let lines = page.split_once("</form>").unwrap().1.split_once("</header>").unwrap().1;
        assert!(lines.contains(has) && !lines.contains(has_not), "{query}: {lines}");
    }
    assert_eq!(li.get("/console/audit?day=yesterday").await.status().as_u16(), 422);
    let sheet = li.text("/console/audit/csv?kind=lane").await;
    assert!(sheet.starts_with("\u{feff}no,at,kind,who,what"), "{sheet}");
    assert!(sheet.contains(",lane,li,") && !sheet.contains("account"), "{sheet}");
    assert_eq!(li.get("/console/audit/xlsx").await.status().as_u16(), 200);
}

#[tokio::test]
async fn an_old_trail_is_read_page_by_page() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let li = Phone::operator(address).await;
    for n in 0..130 {
        site.after(Duration::from_secs(1));
        let act = if n % 2 == 0 { "lock" } else { "unlock" };
        let reason = format!("time {n:03}");
        li.post("/console/lanes/out/operate", &[("act", act), ("reason", &reason)]).await;
    }
    let first = li.text("/console/audit?lane=out").await;
    assert!(first.contains("time 129") && !first.contains("time 010"), "{first}");
    let older = first.split("href=\"/console/audit?").filter_map(|rest| rest.split('"').next());
    let older = older.last().unwrap().replace("&#38;", "&");
    let second = li.text(&format!("/console/audit?{older}")).await;
    assert!(second.contains("time 010") && !second.contains("time 129"), "{second}");
    let lines = |page: &str| page.matches("· time ").count();
    assert_eq!(lines(&first) + lines(&second), 130, "each once");
}

#[tokio::test]
async fn the_work_list_has_all_that_waits_for_its_reader() {
    let site = Site::new();
    for role in [Role::Accountant, Role::Gate, Role::Booth] {
        site.add_person(role.name(), role, false);
    }
    let order = site.at_exit("沪A12345", Duration::from_hours(24 * 20));
    site.decide(Input::PayAsked { order }).unwrap();
    let (trade, amount) = (site.generated()[0].clone(), site.payments()[0].amount);
    let paid = Word::Paid { amount, bank_no: "B1".into(), paid_at: None, payer: None };
    site.bank(&trade, Asked::Query, paid);
    let (address, _stop) = site.serve().await;
    let li = Phone::operator(address).await;
    let ask = [("amount", "600"), ("reason", "charged twice"), ("key", "k1")];
    li.post("/console/payments/1/refund", &ask).await;
    Phone::new(address).post("/l/in/help", &[("says", "the arm stays down")]).await;

    let list = li.text("/console/tasks").await;
    let at = |text: &str| list.find(text).unwrap_or_else(|| panic!("{text}: {list}"));
    assert!(at("the arm stays down") < at("waits for a second person"), "who stands there first");
    assert!(list.contains("/console/payments/1"), "{list}");
    let mut seen = Vec::new();
    for role in ["accountant", "gate", "booth"] {
        let mut phone = Phone::new(address);
        phone.sign_in(role, PASSWORD).await;
        let page = phone.text("/console/tasks").await;
        let badge = page.split("class=\"badge").nth(1).and_then(|rest| rest.split('<').next());
        let badge = badge.map_or("0", |rest| rest.rsplit('>').next().unwrap());
        let items = page.matches("<li class=\"wait\"").count()
            + page.matches("<li class=\"soon\"").count()
            + page.matches("<li class=\"today\"").count()
            + page.matches("<li class=\"later\"").count();
        assert_eq!(badge, items.to_string(), "{role}: {page}");
        seen.push((
            page.contains("the arm stays down"),
            page.contains("waits for a second person"),
        ));
    }
    assert_eq!(seen, [(false, true), (false, false), (true, false)]);
}
