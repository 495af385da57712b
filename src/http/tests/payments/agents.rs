//! An agent's program sells tickets: reserves, confirms, looks, gives back.

use super::*;

const AT: &str = "/api/v1/tickets";

impl Program {
    async fn tickets(&self, path: &str, body: Option<Value>) -> Response {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        self.ask(method, &format!("{AT}/{path}"), body).await
    }

    /// Two adults at nine on a day ahead, as the site says it can be had.
    async fn wanted(&self, site: &Arc<Site>, key: &str, tickets: u32) -> Value {
        let today = site.world().now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
        let day = jiff::ToSpan::days(3);
        let day = today.checked_add(day).unwrap();
        let there = read(self.tickets(&format!("availability?day={day}"), None).await).await;
        let slot = there["slots"][0]["id"].clone();
        assert!(slot.is_string(), "{there}");
        let line = json!({ "product": "child", "day": day, "slot": slot, "tickets": tickets });
        json!({ "key": key, "lines": [line] })
    }
}

#[tokio::test]
async fn an_agent_reserves_confirms_looks_and_gives_back() {
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let operator = Phone::operator(address).await;
    let agent = Program::new(&site, &operator, Phone::new(address)).await;
    let products = read(agent.tickets("products", None).await).await;
    assert_eq!(products.as_array().unwrap().len(), 4, "{products}");

    let wanted = agent.wanted(&site, "O-1", 2).await;
    let order = read(agent.tickets("orders", Some(wanted.clone())).await).await;
    assert_eq!((&order["state"], &order["amount"]["minor"]), (&json!("due"), &json!(8_000)));
    let again = read(agent.tickets("orders", Some(wanted)).await).await;
    assert_eq!(again["id"], order["id"], "the same number is the same order");
    let other = agent.wanted(&site, "O-1", 3).await;
    assert_eq!(agent.tickets("orders", Some(other)).await.status().as_u16(), 409);

    let path = format!("orders/{}", order["id"]);
    for _ in 0..2 {
        let paid = read(agent.tickets(&format!("{path}/confirm"), Some(json!({}))).await).await;
        assert_eq!((&paid["state"], &paid["paid_by"]), (&json!("paid"), &json!("account")));
        assert_eq!(paid["tickets"].as_array().unwrap().len(), 2);
    }
    let found = read(agent.tickets("orders?key=O-1", None).await).await;
    let ticket = &found["tickets"][0];
    let code = ticket["code"].as_str().unwrap();
    assert!(code.starts_with("PT1") && ticket["typed"].as_str().unwrap().len() == 11, "{ticket}");

    let back = json!({ "key": "R-1", "tickets": [{ "id": ticket["id"] }] });
    let after = read(agent.tickets(&format!("{path}/return"), Some(back)).await).await;
    let returned: Vec<_> =
        after["tickets"].as_array().unwrap().iter().map(|t| t["returned"].clone()).collect();
    assert_eq!(returned, [json!(true), json!(false)]);

    let second = agent.wanted(&site, "O-2", 1).await;
    let second = read(agent.tickets("orders", Some(second)).await).await;
    let path = format!("orders/{}", second["id"]);
    let void = read(agent.tickets(&format!("{path}/cancel"), Some(json!({}))).await).await;
    assert_eq!(void["state"], json!("void"));
    let late = agent.tickets(&format!("{path}/confirm"), Some(json!({}))).await;
    assert_eq!(late.status().as_u16(), 409);
    assert_eq!(agent.tickets("orders/999", None).await.status().as_u16(), 404);
    let stranger = Phone::new(address).ask(Method::GET, &format!("{AT}/products"));
    assert_eq!(stranger.send().await.unwrap().status().as_u16(), 401);
}

#[tokio::test]
async fn a_name_is_checked_masked_and_sealed() {
    const NUMBER: &str = "11010519491231002X";
    let site = Site::scenic();
    let (address, _stop) = site.serve().await;
    let operator = Phone::operator(address).await;
    let agent = Program::new(&site, &operator, Phone::new(address)).await;
    let named = |wanted: &Value, number: &str| {
        let mut wanted = wanted.clone();
        wanted["lines"][0]["product"] = json!("named");
        wanted["lines"][0]["visitors"] = json!([{ "name": "李四", "number": number }]);
        wanted
    };
    let wanted = agent.wanted(&site, "N-1", 1).await;
    let wrong = agent.tickets("orders", Some(named(&wanted, "110105194912310021"))).await;
    assert_eq!(wrong.status().as_u16(), 422);
    assert!(site.world().sealed.is_empty(), "what is wrong is not kept");
    let order = read(agent.tickets("orders", Some(named(&wanted, NUMBER))).await).await;
    assert_eq!(order["state"], json!("due"), "{order}");
    let orders = format!("{:?}", site.orders());
    assert!(orders.contains("李*") && !orders.contains("李四") && !orders.contains(NUMBER));
    let sealed: Vec<Vec<u8>> = site.world().sealed.values().cloned().collect();
    assert_eq!(sealed.len(), 1);
    assert!(!String::from_utf8_lossy(&sealed[0]).contains("李四"));

    // Somebody else comes, where the product lets it; the code so far is worth nothing.
    let path = format!("orders/{}", order["id"]);
    let paid = read(agent.tickets(&format!("{path}/confirm"), Some(json!({}))).await).await;
    let ticket = &paid["tickets"][0];
    let rename = |number: &str| {
        let visitor = json!({ "name": "王五", "number": number });
        Some(json!({ "ticket": ticket["id"], "visitor": visitor }))
    };
    let wrong = agent.tickets(&format!("{path}/rename"), rename("110105194912310021")).await;
    assert_eq!(wrong.status().as_u16(), 422);
    let after = read(agent.tickets(&format!("{path}/rename"), rename("E12345678")).await).await;
    assert_ne!(after["tickets"][0]["typed"], ticket["typed"], "{after}");
    assert_eq!(site.world().sealed.len(), 2);
    let stranger = json!({ "ticket": 999, "visitor": { "name": "王五", "number": "E12345678" } });
    let stranger = agent.tickets(&format!("{path}/rename"), Some(stranger)).await;
    assert_eq!(stranger.status().as_u16(), 404);
}
