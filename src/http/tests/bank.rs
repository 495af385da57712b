//! What the bank and the machines around meet: the notification path, health, limits.

use reqwest::Method;

use super::{
    phone::Phone,
    site::{NOTIFY_PATH, Site},
};

#[tokio::test]
async fn the_bank_is_heard_on_its_literal_path_with_slashes_doubled_or_not() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    for path in [NOTIFY_PATH, "//pay//icbc//notify", "/pay/icbc/notify"] {
        let answer = phone.ask(Method::POST, path).body("sign=x").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.text().await.unwrap(), r#"{"return_code":0}"#);
        let (heard, body) = site.notified().pop().unwrap();
        assert_eq!(
            (heard.as_str(), &body[..]),
            (path, &b"sign=x"[..]),
            "as it stood in the request"
        );
    }
    assert_eq!(phone.get(NOTIFY_PATH).await.status().as_u16(), 404, "the bank posts");
    let flood = vec![b'x'; 300 * 1024];
    let answer = phone.ask(Method::POST, NOTIFY_PATH).body(flood).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), site.notified().len()), (413, 3));
}

#[tokio::test]
async fn health_and_limits() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    assert_eq!(phone.text("/healthz").await, "ok\n");
    assert_eq!(phone.text("/readyz").await, "ready\n");
    let kind = crate::core::AlarmKind::BrokerDown;
    let (subject, detail) = ("mqtt".to_owned(), String::new());
    site.decide(crate::core::Input::Trouble { subject, kind, detail }).unwrap();
    let unready = phone.get("/readyz").await;
    assert_eq!(unready.status().as_u16(), 503);
    assert!(unready.text().await.unwrap().contains("mqtt BrokerDown"));
    let long = "x".repeat(64 * 1024);
    let flood = phone.post("/signin", &[("name", "li"), ("password", &long)]).await;
    assert_eq!(flood.status().as_u16(), 413);
    let lost = phone.get("/no/such/page").await;
    assert_eq!(lost.status().as_u16(), 404);
    assert!(lost.text().await.unwrap().contains("There is no such page"));
}

#[tokio::test]
async fn where_no_bank_takes_fees_by_the_plate_no_card_is_bound() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    assert!(phone.text("/pay/bind?lang=en").await.contains("No card can be bound here"));
    assert!(!phone.text("/pay?lang=en").await.contains("/pay/bind"));
    let answer = phone.post("/pay/bind", &[("plate", "京A12345"), ("mobile", "")]).await;
    assert!(answer.text().await.unwrap().contains("No card can be bound here"));
}
