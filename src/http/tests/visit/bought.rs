//! A visitor's own pages, from the calendar to the changed mind.

use std::time::Duration;

use super::{DAY, ELEVEN, data, links, ordered, pay, shop::keys};
use crate::{
    core::{
        money::OrderState,
        presented::{Presented, Shown},
        ticket::Medium,
    },
    http::tests::{phone::Phone, site::Site},
    tickets::part,
};

#[tokio::test]
async fn tickets_are_ordered_held_paid_and_shown() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    let calendar = phone.text("/visit").await;
    assert!(calendar.contains("/visit?day=2026-11-24") && calendar.contains("¥40"), "{calendar}");
    let day = phone.text(&format!("/visit?day={DAY}")).await;
    assert!(day.contains("Adult") && day.contains("11:00-13:00") && day.contains(ELEVEN), "{day}");

    let wish =
        [("day", DAY), ("key", "k1"), ("slot-day", ELEVEN), ("n-adult", "1"), ("n-child", "1")];
    let (here, order) = ordered(&phone, &wish).await;
    assert_eq!(ordered(&phone, &wish).await, (here.clone(), order), "sent twice is one order");
    let held = phone.text(&here).await;
    assert!(held.contains("Your places are held") && held.contains("¥120.00"), "{held}");
    let day = phone.text(&format!("/visit?day={DAY}")).await;
    assert!(day.contains("left 8"), "two of ten are held");

    pay(&site, order);
    let pay_page = format!("/p/{}", crate::http::link::Links::new(&[7; 32]).token(order));
    assert!(phone.text(&pay_page).await.contains(&here), "the bank sends the phone back there");
    let bought = phone.text(&here).await;
    let tickets = links(&bought, "/t/");
    assert_eq!(tickets.len(), 2, "{bought}");
    let now = site.world().now;
    let (adult, child) = (phone.text(&tickets[0]).await, phone.text(&tickets[1]).await);
    // The child's may be kept as a picture, the adult's only shown on its page.
    let code = data(&child, "code");
    assert!(
        matches!(keys().read(code, now), Presented::Signed(c, Shown::Still, _) if c.persons == 1)
    );
    assert!(child.contains("ticket.pdf") && !adult.contains("ticket.pdf"));
    let claims = match keys().read(data(&adult, "code"), now) {
        Presented::Signed(claims, ..) => claims,
        other => panic!("{other:?}"),
    };
    assert_eq!((claims.medium, claims.product), (Medium::Phone, 1));
    let seed = keys().seed(claims.ticket, claims.edition);
    let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(data(&adult, "seed"), hex);
    let shown = format!("{}{}", data(&adult, "code"), part(&seed, now));
    assert!(matches!(keys().read(&shown, now), Presented::Signed(_, Shown::Changing, _)));
    let size = adult.len();
    assert!(size < 30 * 1_024, "the page is {size} bytes");
    let pdf = phone.get(&format!("{}/ticket.pdf", tickets[1])).await;
    assert_eq!(pdf.status().as_u16(), 200);
    assert!(pdf.bytes().await.unwrap().starts_with(b"%PDF-"));
    assert_eq!(phone.get(&format!("{}/ticket.pdf", tickets[0])).await.status().as_u16(), 422);
}

#[tokio::test]
async fn nobody_sees_an_order_by_its_page_to_pay() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    let wish = [("day", DAY), ("key", "k1"), ("slot-day", ELEVEN), ("n-adult", "1")];
    let (here, order) = ordered(&phone, &wish).await;
    let pay_link = phone.text(&here).await;
    let pay_link = pay_link.split("action=\"/p/").nth(1).unwrap().split('/').next().unwrap();
    for wrong in [pay_link, "1-AAAAAAAAAAAAAAAA", "1", ""] {
        for at in ["/visit/o/", "/t/"] {
            let answer = phone.get(&format!("{at}{wrong}")).await;
            assert_eq!(answer.status().as_u16(), 404, "{at}{wrong}");
        }
    }
    // An order that is given up frees its place, and its page says so.
    let answer = phone.post(&format!("{here}/cancel"), &[]).await;
    assert_eq!(answer.status().as_u16(), 303);
    assert!(phone.text(&here).await.contains("This order is over"));
    assert!(phone.text(&format!("/visit?day={DAY}")).await.contains("left 10"));
    assert_eq!(site.orders().into_iter().find(|o| o.id == order).unwrap().state, OrderState::Void);
}

#[tokio::test]
async fn names_are_asked_for_checked_and_shown_masked() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    let wish = [("day", DAY), ("key", "k1"), ("slot-day", ELEVEN), ("n-named", "1")];
    let asked = phone.post("/visit/order", &wish).await;
    assert_eq!(asked.status().as_u16(), 200);
    let asked = asked.text().await.unwrap();
    assert!(asked.contains("name-named-1") && asked.contains("number-named-1"), "{asked}");
    let with = |number: &'static str| {
        let mut fields = wish.to_vec();
        fields.extend([("name-named-1", "张三"), ("number-named-1", number)]);
        fields
    };
    let wrong = phone.post("/visit/order", &with("110105194912310021")).await;
    assert_eq!(wrong.status().as_u16(), 422);
    assert!(wrong.text().await.unwrap().contains("does not fit its last character"));
    let (here, order) = ordered(&phone, &with("11010519491231002X")).await;
    pay(&site, order);
    let page = phone.text(&links(&phone.text(&here).await, "/t/")[0]).await;
    assert!(page.contains("张*") && page.contains("110***********002X"), "{page}");
    assert!(!page.contains("张三") && !page.contains("11010519491231002X"));
    let again = [("key", "k2"), ("name-named-1", "张三"), ("number-named-1", "11010519491231002x")];
    let mut second = with("11010519491231002X");
    second.retain(|(name, _)| !again.iter().any(|(n, _)| n == name));
    second.extend(again);
    let refused = phone.post("/visit/order", &second).await;
    assert_eq!(refused.status().as_u16(), 422, "one for each number");
}

#[tokio::test]
async fn a_mind_is_changed_by_the_rules() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    let wish = [("day", DAY), ("key", "k1"), ("slot-day", ELEVEN), ("n-child", "2")];
    let (here, order) = ordered(&phone, &wish).await;
    pay(&site, order);
    let tickets: Vec<String> = site.tickets().iter().map(|ticket| ticket.id.to_string()).collect();
    // One is moved to the day after, which costs the same.
    let times = phone.text(&format!("{here}/move?day=2026-11-25")).await;
    assert!(times.contains("day-20261125-0900"), "{times}");
    let to = [
        ("key", "m1"),
        ("day", "2026-11-25"),
        ("slot", "day-20261125-0900"),
        ("ticket", &tickets[0]),
    ];
    let moved = phone.post(&format!("{here}/move"), &to).await;
    assert_eq!(moved.status().as_u16(), 303, "{}", moved.text().await.unwrap());
    let page = phone.text(&links(&phone.text(&here).await, "/t/")[0]).await;
    assert!(page.contains("2026-11-25") && page.contains("This ticket was moved"), "{page}");
    // The other goes back, 27 hours before it begins: all of it.
    let key = phone.text(&here).await;
    let key = key.split("/return").nth(1).unwrap().split("value=\"").nth(1).unwrap();
    let key = key.split('"').next().unwrap().to_owned();
    let back =
        phone.post(&format!("{here}/return"), &[("key", &key), ("ticket", &tickets[1])]).await;
    let text = back.text().await.unwrap();
    assert!(text.contains("on its way back: ¥40.00") && text.contains("Returned"), "{text}");
    let page = phone.text(&links(&text, "/t/")[1]).await;
    assert!(page.contains("it lets nobody in") && data(&page, "code").is_empty(), "{page}");
    assert_eq!(site.refunds().len(), 1);
}

#[tokio::test]
async fn an_order_is_found_by_its_code_and_guesses_are_slowed_down() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    let wish = [("day", DAY), ("key", "k1"), ("slot-day", ELEVEN), ("n-child", "1")];
    let (here, order) = ordered(&phone, &wish).await;
    let early = keys().pickup_code(order, 0);
    assert_eq!(phone.post("/visit/find", &[("code", &early)]).await.status().as_u16(), 422);
    pay(&site, order);
    let page = phone.text(&here).await;
    let code = page.split("class=\"pickup\">").nth(1).unwrap().split('<').next().unwrap();
    let typed = format!(" {} {} ", &code[..4], &code[4..]);
    let found = phone.post("/visit/find", &[("code", &typed)]).await;
    assert_eq!(super::location(&found), here);
    let mut last = 0;
    for n in 0..7 {
        let guess = format!("{:08}", 1_000 + n);
        last = phone.post("/visit/find", &[("code", &guess)]).await.status().as_u16();
    }
    assert_eq!(last, 422);
    let slowed = phone.post("/visit/find", &[("code", code)]).await.text().await.unwrap();
    assert!(slowed.contains("Too many attempts"), "{slowed}");
    site.after(Duration::from_mins(40));
    let found = phone.post("/visit/find", &[("code", code)]).await;
    assert_eq!(super::location(&found), here);
}
