//! What an operator sees of a misread, and what picking a stay does.

use std::time::Duration;

use super::{
    phone::{Phone, location},
    site::Site,
};
use crate::core::{lane::Phase, lane::Sensor};

#[tokio::test]
async fn an_operator_picks_whose_stay_it_is() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    site.enter("京A12345");
    site.enter("京A12399");
    site.after(Duration::from_hours(2));
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A19345");
    assert!(phone.text("/console").await.contains("/console/tasks/1"), "the lane says so");
    let page = phone.text("/console/tasks/1").await;
    assert!(page.contains("京A19345") && page.contains("京A1<u>2</u>345"), "{page}");
    assert!(page.contains("None of them") && page.contains("value=\"1\""), "{page}");
    let answer = phone.post("/console/tasks/1/stay", &[("stay", "7")]).await;
    assert_eq!(answer.status().as_u16(), 409);
    assert!(answer.text().await.unwrap().contains("has left already"));
    let answer = phone.post("/console/tasks/1/stay", &[("stay", "1")]).await;
    assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/console/tasks"));
    assert_eq!(site.phase("out"), Phase::AwaitingPayment);
    assert_eq!(phone.get("/console/tasks/1").await.status().as_u16(), 404, "it is settled");
}

#[tokio::test]
async fn none_of_them_leaves_the_lane_to_the_operator() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    site.enter("京A12345");
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", "京A19345");
    phone.post("/console/tasks/1/stay", &[("stay", "0")]).await;
    assert_eq!(site.phase("out"), Phase::Deciding);
    let stranger = Phone::new(address);
    assert_eq!(stranger.get("/console/tasks/1").await.status().as_u16(), 303, "operators only");
}
