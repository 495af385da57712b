//! Tickets by programs, and the page of admissions.

use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{phone::Phone, site::Site};
use crate::core::{
    Input,
    gate::{Counted, Way},
    input::PassOutcome,
    presented::Presented,
};
use crate::types::{Code, CommandId};

async fn told(phone: &Phone, method: Method, path: &str, body: Value) -> (u16, Value) {
    let (origin, body) = (phone.base.clone(), body.to_string());
    let request = phone.ask(method, path).header(header::ORIGIN, origin);
    let request = request.header(header::CONTENT_TYPE, "application/json").body(body);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

#[tokio::test]
async fn a_ticket_is_registered_once_used_shown_and_revoked() {
    let site = Site::new();
    let gate = || super::site::lane("gate");
    let count = Counted::Total(7);
    site.decide(Input::Went { lane: gate(), way: Way::In, count }).unwrap();
    let closed = PassOutcome::Done(Some(7));
    site.decide(Input::PassAnswered { lane: gate(), command: CommandId(1), outcome: closed })
        .unwrap();
    let (address, _stop) = site.serve().await;
    let sold = || {
        json!({ "code": "SECRET-CODE", "persons": 2, "valid_from": "2026-11-22T00:00:00Z",
                "valid_until": "2026-11-24T00:00:00Z" })
    };
    let stranger = Phone::new(address);
    assert_eq!(told(&stranger, Method::POST, "/api/v1/tickets", sold()).await.0, 401);
    let phone = Phone::operator(address).await;
    for _ in 0..2 {
        let answer = told(&phone, Method::POST, "/api/v1/tickets", sold()).await;
        assert_eq!(answer, (200, json!({ "id": 1 })), "the same code is the same ticket");
    }
    let mut other = sold();
    other["persons"] = 3.into();
    assert_eq!(told(&phone, Method::POST, "/api/v1/tickets", other).await.0, 409);
    let code = Code::parse("SECRET-CODE").unwrap();
    site.decide(Input::Scanned { lane: gate(), shown: Presented::from(&code) }).unwrap();
    let count = Counted::Total(8);
    site.decide(Input::Went { lane: gate(), way: Way::In, count }).unwrap();
    let page = phone.text("/console/admissions").await;
    assert!(page.contains("gate") && page.contains("Went"), "{page}");
    assert!(!page.contains("SECRET-CODE"));
    assert_eq!(told(&phone, Method::DELETE, "/api/v1/tickets/1", Value::Null).await.0, 204);
    assert_eq!(told(&phone, Method::DELETE, "/api/v1/tickets/1", Value::Null).await.0, 204);
    assert_eq!(told(&phone, Method::DELETE, "/api/v1/tickets/9", Value::Null).await.0, 404);
}

#[tokio::test]
async fn what_nobody_knows_is_decided_by_an_operator_with_a_reason() {
    let site = Site::new();
    let gate = || super::site::lane("gate");
    let went = |total| Input::Went { lane: gate(), way: Way::In, count: Counted::Total(total) };
    let done = |command, total| Input::PassAnswered {
        lane: gate(),
        command: CommandId(command),
        outcome: PassOutcome::Done(Some(total)),
    };
    site.decide(went(7)).unwrap();
    site.decide(done(1, 7)).unwrap();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let open = [("act", "open"), ("reason", "a school class")];
    let answer = phone.post("/console/lanes/gate/operate", &open).await;
    assert_eq!(answer.status().as_u16(), 303);
    // Its counter began anew: nobody knows.
    site.decide(went(2)).unwrap();
    assert!(phone.text("/console/admissions").await.contains("Nobody knows"));
    let path = "/console/admissions/1/settle";
    let blank = phone.post(path, &[("used", "true"), ("reason", " ")]).await;
    assert_eq!(blank.status().as_u16(), 409);
    let settled = phone.post(path, &[("used", "true"), ("reason", "seen going in")]).await;
    assert_eq!(settled.status().as_u16(), 303);
    let page = phone.text("/console/admissions").await;
    assert!(page.contains("seen going in") && !page.contains("Nobody knows"), "{page}");
}
