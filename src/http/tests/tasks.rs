//! Calls for help from the lane to the operator who settles them, and zones that are counted.

use std::time::Duration;

use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{phone::Phone, phone::location, site::Site};

#[tokio::test]
async fn a_driver_calls_and_an_operator_answers_and_settles() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    site.at_exit("京A12345", Duration::from_hours(2));
    let (driver, operator) = (Phone::new(address), Phone::operator(address).await);
    assert!(driver.text("/l/out").await.contains("Call the attendant"));
    let called = driver.post("/l/out/help", &[("says", "no signal <here>")]).await;
    assert_eq!((called.status().as_u16(), location(&called)), (303, "/l/out"));
    let page = driver.text("/l/out").await;
    assert!(page.contains("The attendant was called") && page.contains("京A12345"), "{page}");
    assert!(driver.text("/lane/out/screen").await.contains("Help is called"));

    let console = operator.text("/console").await;
    assert!(console.contains("data-ring") && console.contains("badge ring"), "{console}");
    assert!(operator.text("/console/devices").await.contains("badge ring"), "on every page");
    let list = operator.text("/console/tasks").await;
    assert!(list.contains("no signal &#60;here&#62;") || list.contains("no signal &lt;here&gt;"));
    let taken = operator.post("/console/tasks/1/take", &[]).await;
    assert_eq!(location(&taken), "/console/tasks/1");
    assert!(driver.text("/l/out").await.contains("The attendant sees to it"));
    assert!(!operator.text("/console").await.contains("data-ring"), "it rings no more");
    assert!(operator.text("/console/tasks/1").await.contains("Taken by"));

    let empty = operator.post("/console/tasks/1/settle", &[("what", " ")]).await;
    assert_eq!(empty.status().as_u16(), 422, "an outcome is needed");
    let settled = operator.post("/console/tasks/1/settle", &[("what", "helped to pay")]).await;
    assert_eq!(location(&settled), "/console/tasks");
    let list = operator.text("/console/tasks").await;
    assert!(!list.contains("no signal") && list.contains("helped to pay"), "{list}");
    assert!(driver.text("/l/out").await.contains("Call the attendant"));
    assert_eq!(operator.get("/console/tasks/1").await.status().as_u16(), 404);
    let again = operator.post("/console/tasks/1/take", &[]).await;
    assert_eq!(again.status().as_u16(), 409);
}

#[tokio::test]
async fn a_call_is_seen_at_once_by_both_sides() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    site.at_exit("京A12345", Duration::from_hours(2));
    let (driver, operator) = (Phone::new(address), Phone::operator(address).await);
    let rings = operator.hears("/console/tasks/live", |heard| heard.contains("data-ring"));
    let (_, called) = tokio::join!(rings, driver.post("/l/out/help", &[]));
    assert_eq!(called.status().as_u16(), 303);
    let page = driver.text("/l/out").await;
    let live = page.split("data-live=\"").nth(1).unwrap().split('"').next().unwrap();
    let coming = driver.hears(live, |heard| heard.contains("-coming"));
    let (_, taken) = tokio::join!(coming, operator.post("/console/tasks/1/take", &[]));
    assert_eq!(taken.status().as_u16(), 303);
}

#[tokio::test]
async fn calling_from_nowhere_or_without_end_is_refused() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    assert_eq!(phone.post("/l/nowhere/help", &[]).await.status().as_u16(), 404);
    for _ in 0..4 {
        assert_eq!(phone.post("/l/out/help", &[]).await.status().as_u16(), 303);
    }
    let held = phone.post("/l/out/help", &[]).await;
    assert_eq!(held.status().as_u16(), 422, "one source is slowed down");
    let operator = Phone::operator(address).await;
    let tasks: Value = serde_json::from_str(&operator.text("/api/v1/tasks").await).unwrap();
    assert_eq!(tasks.as_array().unwrap().len(), 1, "and one call a lane is enough");
    assert_eq!(phone.get("/api/v1/tasks").await.status().as_u16(), 401);
}

#[tokio::test]
async fn zones_are_counted_shown_and_told() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    site.enter("京A12345");
    let (anyone, operator) = (Phone::new(address), Phone::operator(address).await);
    let told: Value = serde_json::from_str(&anyone.text("/api/v1/zones").await).unwrap();
    let lot = json!([{ "zone": "lot", "name": "东门停车场", "vehicles": 1, "capacity": null, "free": null }]);
    assert_eq!(told, lot);
    let form = [("found", "312"), ("reason", "walked round")];
    assert_eq!(anyone.post("/console/zones/lot/count", &form).await.status().as_u16(), 303);
    let without = operator.post("/console/zones/lot/count", &[("found", "312")]).await;
    assert_eq!(without.status().as_u16(), 422);
    let counted = operator.post("/console/zones/lot/count", &form).await;
    assert_eq!(location(&counted), "/console/zones");
    let page = operator.text("/console/zones").await;
    assert!(page.contains("walked round") && page.contains(">311<"), "the drift shows: {page}");
    assert!(operator.text("/console").await.contains(">312<"));
    let body = json!({ "found": 5, "reason": "again" }).to_string();
    let request = operator.ask(Method::POST, "/api/v1/zones/lot/count").body(body);
    let request = request.header(header::ORIGIN, operator.base.clone());
    let answer = request.header(header::CONTENT_TYPE, "application/json").send().await.unwrap();
    let told: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(told[0]["vehicles"], 5);
    assert_eq!(operator.get("/console/zones").await.status().as_u16(), 200);
}
