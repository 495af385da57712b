//! What a driver's phone meets.

use std::time::Duration;

use super::{
    phone::{Phone, location},
    site::Site,
};
use crate::{
    core::{
        input::Asked,
        lane::{Phase, Sensor},
    },
    http::link::Links,
    types::{Currency, Money, OrderId, bank::Word},
};

const TWO_HOURS: Duration = Duration::from_hours(2);
const CASHIER: &str = "https://bank.example/cashier?x=1";
/// All of a driver's page: it brings its style and script with it.
const PAGE_BYTES_MAX: usize = 30 * 1024;

fn token(order: OrderId) -> String {
    Links::new(&[7; 32]).token(order)
}

fn cashier() -> Word {
    Word::Cashier { link: CASHIER.into() }
}

fn paid(minor: i64) -> Word {
    let amount = Money::new(minor, Currency::Cny);
    Word::Paid { amount, bank_no: "B1".into(), paid_at: None, payer: None }
}

#[tokio::test]
async fn the_lane_sign_leads_from_nobody_to_paid() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    assert!(phone.text("/l/out").await.contains("Drive up to the barrier"));
    let order = site.at_exit("京A12345", TWO_HOURS);
    let page = phone.text("/l/out").await;
    for part in ["京A12345", "2 h 0 min", "¥10.00", "Pay ¥10.00"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    println!("lane page with a fee: {} bytes", page.len());
    assert!(page.len() <= PAGE_BYTES_MAX && !page.contains("src=\"http"));
    // The sign is printed, and the link knows it.
    let pay = format!("/p/{}/pay", Links::new(&[7; 32]).printed_token(order));
    assert!(page.contains(&pay));

    let going = tokio::spawn(async move { phone.post(&pay, &[]).await });
    let trade = loop {
        if let Some(trade) = site.generated().pop() {
            break trade;
        }
        tokio::task::yield_now().await;
    };
    site.bank(&trade, Asked::Generate, cashier());
    let answer = going.await.unwrap();
    assert_eq!((answer.status().as_u16(), location(&answer)), (303, CASHIER));

    let phone = Phone::new(address);
    assert!(phone.text("/l/out").await.contains("Waiting for the bank"));
    site.bank(&trade, Asked::Query, paid(1_000));
    assert_eq!(site.phase("out"), Phase::Opening);
    let page = phone.text(&format!("/p/{}", token(order))).await;
    assert!(page.contains("Paid ¥10.00") && page.contains("11-23 10:15"), "{page}");
    site.drive_through("out");
    assert!(phone.text("/l/out").await.contains("Drive up to the barrier"));
    let page = phone.text(&format!("/p/{}", token(order))).await;
    assert!(page.contains("The vehicle has left"), "an old link tells the truth: {page}");
}

#[tokio::test]
async fn two_phones_and_a_reload_make_one_payment() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let order = site.at_exit("京A12345", TWO_HOURS);
    let (pay, here) = (format!("/p/{}/pay", token(order)), format!("/p/{}", token(order)));
    let (one, two) = (Phone::new(address), Phone::new(address));
    let (a, b) = tokio::join!(one.post(&pay, &[]), two.post(&pay, &[]));
    assert_eq!((location(&a), location(&b)), (here.as_str(), here.as_str()), "no link yet");
    for _ in 0..3 {
        assert!(one.text(&here).await.contains("Connecting to the bank"));
    }
    assert_eq!(site.generated().len(), 1);
    let trade = site.generated().pop().unwrap();
    site.bank(&trade, Asked::Generate, cashier());
    let (a, b) = tokio::join!(one.post(&pay, &[]), two.post(&pay, &[]));
    assert_eq!((location(&a), location(&b)), (CASHIER, CASHIER));
    assert_eq!(site.generated().len(), 1);
    site.bank(&trade, Asked::Query, paid(1_000));
    let again = one.post(&pay, &[]).await;
    assert_eq!((location(&again), site.generated().len()), (here.as_str(), 1), "paid already");
}

#[tokio::test]
async fn a_silent_bank_and_a_refusal_are_told_as_they_are() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let order = site.at_exit("京A12345", TWO_HOURS);
    let (phone, here) = (Phone::new(address), format!("/p/{}", token(order)));
    phone.post(&format!("{here}/pay"), &[]).await;
    site.after(Duration::from_secs(11));
    let page = phone.text(&here).await;
    assert!(page.contains("Your money is safe"), "{page}");
    println!("page of a silent bank: {} bytes", page.len());
    assert!(page.len() <= PAGE_BYTES_MAX);
    let trade = site.generated().pop().unwrap();
    let refused = Word::Refused { code: "500".into(), why: "no".into() };
    site.bank(&trade, Asked::Generate, refused);
    assert!(phone.text(&here).await.contains("The payment did not go through"));
    phone.post(&format!("{here}/pay"), &[]).await;
    assert_eq!(site.generated().len(), 2, "a new try is a new number");
}

#[tokio::test]
async fn a_script_for_a_link_is_not_followed() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let order = site.at_exit("京A12345", TWO_HOURS);
    let (phone, here) = (Phone::new(address), format!("/p/{}", token(order)));
    phone.post(&format!("{here}/pay"), &[]).await;
    let trade = site.generated().pop().unwrap();
    site.bank(&trade, Asked::Generate, Word::Cashier { link: "javascript:alert(1)".into() });
    let answer = phone.post(&format!("{here}/pay"), &[]).await;
    assert_eq!(location(&answer), here);
    assert!(!phone.text(&here).await.contains("javascript:"));
}

#[tokio::test]
async fn orders_cannot_be_counted_through() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let order = site.at_exit("京A12345", TWO_HOURS);
    let phone = Phone::new(address);
    for path in ["/p/1", "/p/1-AAAAAAAAAAAAAAAA", "/l/nowhere", "/l/..%2f", "/l/out/pay"] {
        let answer = phone.get(path).await;
        assert_eq!(answer.status().as_u16(), 404, "{path}");
        assert!(answer.text().await.unwrap().contains("There is no such page"), "{path}");
    }
    let forged = phone.post("/p/1-AAAAAAAAAAAAAAAA/pay", &[]).await;
    assert_eq!((forged.status().as_u16(), site.generated().len()), (404, 0));
    let here = format!("/p/{}", token(order));
    assert_eq!(phone.get(&format!("{here}/picture")).await.status().as_u16(), 200);
    let page = phone.get(&here).await;
    let csp = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(csp.contains("default-src 'self'") && csp.contains("frame-ancestors 'none'"));
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn a_plate_is_typed_where_the_camera_failed_and_only_there() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    site.enter("京A12345");
    site.after(TWO_HOURS);
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "");
    let page = phone.text("/l/out").await;
    assert!(page.contains("Type your plate") && !page.contains("refresh"), "{page}");
    let answer = phone.post("/l/out/plate", &[("plate", "??")]).await;
    assert_eq!(answer.status().as_u16(), 422);
    assert!(answer.text().await.unwrap().contains("not a plate"));
    let answer = phone.post("/l/out/plate", &[("plate", "京b00000")]).await;
    assert_eq!(answer.status().as_u16(), 422);
    assert!(answer.text().await.unwrap().contains("No vehicle inside has that plate"));
    let answer = phone.post("/l/out/plate", &[("plate", "京a·12345")]).await;
    assert_eq!(location(&answer), "/l/out");
    assert!(phone.text("/l/out").await.contains("Pay ¥10.00"));
    phone.post("/l/out/plate", &[("plate", "沪B54321")]).await;
    assert!(phone.text("/l/out").await.contains("京A12345"), "a known plate stays");
}

#[tokio::test]
async fn a_driver_corrects_one_character_of_what_the_camera_read() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    site.enter("京A12345");
    site.after(TWO_HOURS);
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A19345");
    let page = phone.text("/l/out").await;
    assert!(page.contains("No vehicle came in with this plate"), "{page}");
    assert!(page.contains("value=\"京A19345\""), "{page}");
    for wrong in ["京A99999", "京A19346", "京A19347"] {
        let answer = phone.post("/l/out/plate", &[("plate", wrong)]).await;
        assert!(answer.text().await.unwrap().contains("one character can be corrected"));
    }
    let answer = phone.post("/l/out/plate", &[("plate", "京A12345")]).await;
    assert!(answer.text().await.unwrap().contains("Too many tries"), "three in vain");
}

#[tokio::test]
async fn a_page_is_told_once_it_is_out_of_date() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    let listen = phone.hears("/l/out/live?seen=nobody", |heard| heard.contains("event: turn"));
    let drive = async {
        tokio::task::yield_now().await;
        site.at_exit("京A12345", TWO_HOURS);
    };
    let (heard, ()) = tokio::join!(listen, drive);
    assert!(heard.contains("due-1-1000") || heard.contains("reading"), "{heard}");
}

#[tokio::test]
async fn the_screen_shows_the_fee_and_a_code() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    site.at_exit("京A12345", TWO_HOURS);
    let page = phone.text("/lane/out/screen").await;
    assert!(page.contains("京A12345") && page.contains("¥10.00") && page.contains("<svg"));
    let heard = phone.hears("/lane/out/screen/live", |heard| heard.contains("¥10.00")).await;
    assert!(heard.contains("\"id\":\"show\""));
    assert!(phone.text("/lane/out/sign").await.contains(&format!("http://{address}/l/out")));
    assert!(phone.text("/pay/sign").await.contains(&format!("http://{address}/pay")));
    assert_eq!(phone.get("/lane/nowhere/sign").await.status().as_u16(), 404);
}

#[tokio::test]
async fn a_language_once_chosen_stays() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let mut phone = Phone::new(address);
    let chosen = phone.get("/l/out?lang=zh").await;
    phone.keep_cookie(&chosen);
    assert!(phone.text("/l/out").await.contains("请把车开到栏杆前"));
}
