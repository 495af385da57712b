//! Passes, lists and reservations on pages and for programs, and vehicles without a plate by phone.

use std::time::Duration;

use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{
    phone::{Phone, location},
    site::Site,
};
use crate::core::lane::{Phase, Sensor};

async fn told(phone: &Phone, method: Method, path: &str, body: Value) -> (u16, Value) {
    let (origin, body) = (phone.base.clone(), body.to_string());
    let request = phone.ask(method, path).header(header::ORIGIN, origin);
    let request = request.header(header::CONTENT_TYPE, "application/json").body(body);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

fn season<'a>(holder: &'a str, plates: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("holder", holder),
        ("plates", plates),
        ("kind", "season"),
        ("from", "2026-11-01"),
        ("until", "2026-11-30"),
        ("hours", "1-5 00:00-24:00"),
    ]
}

#[tokio::test]
async fn a_pass_is_added_found_changed_extended_and_ended() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let stranger = Phone::new(address);
    for path in ["/console/passes", "/console/lists", "/console/reservations"] {
        assert_eq!(stranger.get(path).await.status().as_u16(), 303, "{path} is for operators");
    }
    let phone = Phone::operator(address).await;
    let answer = phone.post("/console/passes", &season("Wang", "京A12345 京B22222")).await;
    assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/console/passes/1"));
    let page = phone.text("/console/passes/1").await;
    for part in ["京A12345 京B22222", "2026-11-30", "12345 00:00-24:00", "Last changed by li"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for (search, there) in [("京b222", true), ("Wang", true), ("", true), ("Zhao", false)] {
        let page = phone.text(&format!("/console/passes?q={search}")).await;
        assert_eq!(page.contains("/console/passes/1\""), there, "{search}");
    }
    let answer = phone.post("/console/passes", &season("Zhao", "京B22222")).await;
    assert_eq!(answer.status().as_u16(), 422);
    let page = answer.text().await.unwrap();
    assert!(page.contains("is in pass 1") && page.contains("Zhao"), "what was typed stays: {page}");
    let answer = phone.post("/console/passes/1", &season("Wang", "京A12345 x")).await;
    assert!(answer.text().await.unwrap().contains("That is no plate: x"));
    let extend = [("until", "2026-12-31"), ("reason", "works in the yard")];
    let answer = phone.post("/console/passes/1/extend", &extend).await;
    assert_eq!(location(&answer), "/console/passes/1");
    assert!(phone.text("/console/passes").await.contains("2026-12-31"));
    let adjust = [("amount", "5"), ("reason", "a gift")];
    let answer = phone.post("/console/passes/1/adjust", &adjust).await;
    assert_eq!(answer.status().as_u16(), 422, "a season pass holds nothing");
    let unreasoned = phone.post("/console/passes/1/end", &[]).await;
    assert_eq!(unreasoned.status().as_u16(), 422);
    let answer = phone.post("/console/passes/1/end", &[("reason", "moves away")]).await;
    assert_eq!(location(&answer), "/console/passes");
    assert!(!phone.text("/console/passes").await.contains("Wang"));
    assert_eq!(phone.get("/console/passes/1").await.status().as_u16(), 404);
}

/// A price list, at the desk and on the phone.
fn with_prices() -> std::sync::Arc<Site> {
    use crate::core::pass_sale::{Gives, PassPrice};
    let price = |id: &str, gives, price_minor| PassPrice {
        id: id.into(),
        name: id.to_uppercase(),
        gives,
        price_minor,
        lasts_days: 365,
        zones: std::collections::BTreeSet::new(),
        hours: Vec::new(),
        vehicle: None,
        tier: None,
        by_phone: id != "desk-only",
    };
    Site::with(|rules| {
        rules.passes.prices = vec![
            price("month", Gives::Months(1), 30_000),
            price("value", Gives::Value(5_000), 5_000),
            price("desk-only", Gives::Value(9_000), 9_000),
        ];
        None
    })
}

#[tokio::test]
async fn a_pass_is_sold_at_the_desk_and_topped_up_on_the_phone() {
    let site = with_prices();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let sold =
        [("price", "value"), ("holder", "Wang"), ("plates", "京A12345"), ("from", "2026-11-23")];
    let answer = phone.post("/console/passes/sell", &sold).await;
    let order = location(&answer).to_owned();
    assert!(order.starts_with("/console/orders/"), "{order}");
    let page = phone.text(&order).await;
    for part in ["VALUE 京A12345", "¥50.00", "<svg", "Payer&#39;s code", "Give it up"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let wrong =
        [("price", "moon"), ("holder", "Wang"), ("plates", "京A12345"), ("from", "2026-11-23")];
    let answer = phone.post("/console/passes/sell", &wrong).await;
    assert_eq!(answer.status().as_u16(), 422);
    assert!(answer.text().await.unwrap().contains("No such pass is sold here"));
    let open = [("booth", "east"), ("amount", "0")];
    assert_eq!(location(&phone.post("/console/shift/open", &open).await), "/console/shift");
    let cash = phone.post(&format!("{order}/cash"), &[("amount", "50")]).await;
    assert_eq!(cash.status().as_u16(), 200, "{}", cash.text().await.unwrap());
    let page = phone.text("/console/passes/1").await;
    assert!(page.contains("left: ¥50.00") && page.contains("DESK-ONLY"), "{page}");

    let holder = Phone::new(address);
    let page = holder.post("/pay", &[("plate", "京A12345")]).await.text().await.unwrap();
    assert!(page.contains("left: ¥50.00") && page.contains("VALUE ¥50.00"), "{page}");
    assert!(!page.contains("DESK-ONLY") && !page.contains("Wang"), "{page}");
    let renew = |plate: &'static str| [("plate", plate), ("pass", "1"), ("price", "value")];
    let foreign = holder.post("/pay/pass", &renew("京B22222")).await;
    assert_eq!(foreign.status().as_u16(), 404, "of another plate");
    let answer = holder.post("/pay/pass", &renew("京A12345")).await;
    let bill = location(&answer).to_owned();
    assert!(holder.text(&bill).await.contains("Pay ¥50.00"));
    holder.post(&format!("{bill}/pay"), &[]).await;
    let trade = site.generated().pop().unwrap();
    let amount = crate::types::Money::new(5_000, crate::types::Currency::Cny);
    let word =
        crate::types::bank::Word::Paid { amount, bank_no: "B1".into(), paid_at: None, payer: None };
    site.bank(&trade, crate::core::input::Asked::Query, word);
    assert!(holder.text(&bill).await.contains("Paid ¥50.00"));
    assert!(phone.text("/console/passes/1").await.contains("left: ¥100.00"));

    let kept = [("rest", ""), ("reason", "sold the car")];
    let answer = phone.post("/console/passes/1/end", &kept).await.text().await.unwrap();
    assert!(answer.contains("Say what becomes of what is left: ¥100.00"), "{answer}");
    let back = [("rest", "back"), ("reason", "sold the car")];
    let answer = phone.post("/console/passes/1/end", &back).await;
    assert_eq!(location(&answer), "/console/passes");
}

#[tokio::test]
async fn many_passes_from_a_file_and_what_is_wrong_with_some() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let lines = "holder,plates,spaces,kind,amount,zones,from,until,hours,class\n\
        Li,京A00001 京A00002,1,season,,,2026-11-01,2026-11-30,,\n\
        \"Sun, Bo\",京A00003,,stored,200.50,,2026-11-01,2026-12-31,,large\n\
        Zhou,京A00003,,season,,,2026-11-01,2026-11-30\n\
        Wu,京A00004,,month,,,2026-11-01,2026-11-30,,\n\
        Zheng,京A00005\n";
    let answer = phone.post("/console/passes/import", &[("lines", lines)]).await;
    assert_eq!(answer.status().as_u16(), 200);
    let page = answer.text().await.unwrap();
    for part in [
        "Taken: 2",
        "Not taken: 3",
        "Line 4: 京A00003 is in pass 2",
        "Line 5: The kind is season, stored or count",
        "Line 6: A line has 8 to 10 fields",
        "Sun, Bo",
        "Stored value, left: ¥200.50",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let many: String =
        (0..500).map(|i| format!("Car {i},京C{i:05},,season,,,2026-11-01,2026-11-30\n")).collect();
    let answer = phone.post("/console/passes/import", &[("lines", &many)]).await;
    assert!(answer.text().await.unwrap().contains("Taken: 500"));
}

#[tokio::test]
async fn lists_and_visitors_by_their_pages() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let black = [("plate", "京A12345"), ("list", "black"), ("note", "unpaid"), ("until", "")];
    assert_eq!(location(&phone.post("/console/lists", &black).await), "/console/lists");
    let page = phone.text("/console/lists?q=unpaid").await;
    assert!(page.contains("京A12345") && page.contains("for ever"), "{page}");
    let again = phone.post("/console/lists", &black).await;
    assert!(again.text().await.unwrap().contains("is on that list already"));

    site.sensor("in", Sensor::Arrival, true);
    site.read("in", "京A12345");
    let driver = Phone::new(address);
    let page = driver.text("/l/in").await;
    assert!(page.contains("Please wait for the attendant") && !page.contains("name=\"plate\""));
    let screen = driver.text("/lane/in/screen").await;
    assert!(screen.contains("Please wait for the attendant"), "{screen}");
    assert!(phone.text("/console").await.contains("On the black list"));
    phone.post("/console/lists/1/end", &[]).await;
    assert_eq!(site.phase("in"), Phase::Opening, "it is looked at again");

    let visitor = [
        ("plate", "京B22222"),
        ("host", "room 12"),
        ("from", "2026-11-23T08:00"),
        ("until", "2026-11-23T10:00"),
    ];
    let answer = phone.post("/console/reservations", &visitor).await;
    assert_eq!(location(&answer), "/console/reservations");
    let page = phone.text("/console/reservations").await;
    assert!(page.contains("room 12") && page.contains("2026-11-23 10:00:00"), "{page}");
    let odd = phone.post(
        "/console/reservations",
        &[("plate", "?"), ("host", "x"), ("from", ""), ("until", "")],
    );
    assert_eq!(odd.await.status().as_u16(), 422);
    phone.post("/console/reservations/1/end", &[]).await;
    assert!(!phone.text("/console/reservations").await.contains("room 12"));
}

#[tokio::test]
async fn the_register_for_other_programs() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let stranger = Phone::new(address);
    for path in ["/api/v1/passes", "/api/v1/lists", "/api/v1/reservations"] {
        assert_eq!(told(&stranger, Method::GET, path, Value::Null).await.0, 401, "{path}");
        assert_eq!(told(&stranger, Method::POST, path, json!({})).await.0, 401, "{path}");
    }
    let phone = Phone::operator(address).await;
    let pass = json!({
        "holder": "Wang", "plates": ["京A12345"], "kind": { "is": "count", "left": 10 },
        "valid_from": "2026-11-01T00:00:00Z", "valid_until": "2026-12-01T00:00:00Z",
        "hours": [{ "days": 31, "from_minute": 480, "to_minute": 1080 }],
    });
    let entry = json!({ "plate": "京B22222", "list": "white" });
    let visit = json!({
        "plate": "京C33333", "host": "room 12",
        "from": "2026-11-23T08:00:00Z", "until": "2026-11-23T10:00:00Z",
    });
    for (path, body, plate) in [
        ("/api/v1/passes", pass, "京A123"),
        ("/api/v1/lists", entry, "京B222"),
        ("/api/v1/reservations", visit, "京C333"),
    ] {
        let first = told(&phone, Method::POST, path, body.clone()).await;
        assert_eq!(first, (200, json!({ "id": 1 })), "{path}");
        let (status, again) = told(&phone, Method::POST, path, body).await;
        assert_eq!((status, &again["code"]), (409, &json!("refused")), "{path}");
        let (status, found) =
            told(&phone, Method::GET, &format!("{path}?plate={plate}"), Value::Null).await;
        assert_eq!((status, found.as_array().map(Vec::len)), (200, Some(1)), "{path}: {found}");
        let none = told(&phone, Method::GET, &format!("{path}?plate=沪Z"), Value::Null).await;
        assert_eq!(none, (200, json!([])), "{path}");
        assert_eq!(told(&phone, Method::DELETE, &format!("{path}/1"), Value::Null).await.0, 204);
        assert_eq!(told(&phone, Method::DELETE, &format!("{path}/1"), Value::Null).await.0, 404);
    }
    let odd = json!({ "holder": "Wang", "plates": ["京A12345"], "spaces": 3,
        "kind": { "is": "season" }, "valid_from": "2026-11-01T00:00:00Z",
        "valid_until": "2026-12-01T00:00:00Z" });
    assert_eq!(told(&phone, Method::POST, "/api/v1/passes", odd).await.0, 409);
}

#[tokio::test]
async fn a_vehicle_without_a_plate_by_its_drivers_phone() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let mut phone = Phone::new(address);
    assert!(!phone.text("/l/in").await.contains("/l/in/no-plate"), "nobody is there");
    let refused = phone.post("/l/in/no-plate", &[]).await;
    assert_eq!(refused.status().as_u16(), 422);
    assert_eq!(site.phase("in"), Phase::Idle);
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", "");
    assert!(phone.text("/l/in").await.contains("Enter without a plate"));
    let answer = phone.post("/l/in/no-plate", &[]).await;
    assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/l/in"));
    phone.keep_cookie(&answer);
    assert_eq!(site.phase("in"), Phase::Opening);
    assert!(phone.text("/l/in").await.contains("无牌-0001"));
    site.drive_through("in");
    site.after(Duration::from_hours(2));

    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "");
    let other = Phone::new(address);
    assert!(!other.text("/l/out").await.contains("无牌-0001"));
    assert_eq!(other.post("/l/out/phone", &[]).await.status().as_u16(), 404);
    let page = phone.text("/l/out").await;
    assert!(page.contains("无牌-0001") && page.contains("This is mine"), "{page}");
    let answer = phone.post("/l/out/phone", &[]).await;
    assert_eq!(location(&answer), "/l/out");
    let page = phone.text("/l/out").await;
    assert!(page.contains("Pay ¥10.00"), "{page}");
    // Paid before the exit by its name, typed with or without its dash.
    let answer = other.post("/pay", &[("plate", "无牌0001")]).await;
    assert!(location(&answer).starts_with("/p/"), "{answer:?}");
}

#[tokio::test]
async fn an_operator_lets_in_and_picks_one_without_a_plate() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", "");
    phone.post("/console/lanes/in/no-plate", &[]).await;
    assert_eq!(site.phase("in"), Phase::Opening);
    site.drive_through("in");
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "");
    assert!(phone.text("/console").await.contains("<option value=\"无牌-0001\">"));
    phone.post("/console/lanes/out/plate", &[("plate", "无牌0001")]).await;
    assert_eq!(site.phase("out"), Phase::Opening);
}
