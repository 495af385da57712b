//! What an operator may and may not do.

use reqwest::{Method, header};

use super::{
    phone::{Phone, location},
    site::{PASSWORD, Site},
};
use crate::core::lane::Phase;

#[tokio::test]
async fn nothing_without_signing_in() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    for path in ["/console", "/console/stays", "/console/lanes/in", "/console/pictures/car.svg"] {
        let answer = phone.get(path).await;
        assert_eq!(answer.status().as_u16(), 303, "{path}");
        assert!(location(&answer).starts_with("/signin?next=/console"), "{path}");
    }
    assert_eq!(phone.get("/console/live").await.status().as_u16(), 303);
    let api = phone.get("/api/v1/lanes").await;
    assert_eq!(api.status().as_u16(), 401);
    assert!(api.text().await.unwrap().contains("\"code\":\"sign_in\""));
    let open = [("act", "open"), ("reason", "test")];
    phone.post("/console/lanes/in/operate", &open).await;
    assert_eq!((site.phase("in"), site.acted().len()), (Phase::Idle, 0));
}

#[tokio::test]
async fn signs_in_and_out() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let mut phone = Phone::new(address);
    let wrong = phone.sign_in("li", "not the password").await;
    assert_eq!(wrong.status().as_u16(), 401);
    let nobody = phone.sign_in("nobody", PASSWORD).await;
    assert_eq!(nobody.status().as_u16(), 401);
    let right = phone.sign_in("li", PASSWORD).await;
    let cookie = right.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly; SameSite=Strict; Path=/"), "{cookie}");
    assert_eq!(phone.get("/console").await.status().as_u16(), 200);
    let out = phone.post("/signout", &[]).await;
    assert!(out.headers()[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(
        phone.get("/console").await.status().as_u16(),
        303,
        "the old cookie is worth nothing"
    );
}

#[tokio::test]
async fn a_session_ends_twelve_hours_after_its_last_use() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    site.after(std::time::Duration::from_hours(11));
    assert_eq!(phone.get("/console").await.status().as_u16(), 200);
    site.after(std::time::Duration::from_hours(11));
    assert_eq!(phone.get("/console").await.status().as_u16(), 200, "it slides");
    site.after(std::time::Duration::from_hours(13));
    assert_eq!(phone.get("/console").await.status().as_u16(), 303);
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let mut phone = Phone::new(address);
    for _ in 0..5 {
        assert_eq!(phone.sign_in("li", "a guess").await.status().as_u16(), 401);
    }
    let held = phone.sign_in("li", PASSWORD).await;
    assert_eq!(held.status().as_u16(), 429, "also the right one has to wait now");
    site.after(std::time::Duration::from_secs(6));
    assert_eq!(phone.sign_in("li", PASSWORD).await.status().as_u16(), 303);
}

#[tokio::test]
async fn a_given_password_is_changed_first() {
    let site = Site::new();
    site.add_operator("wang", true);
    let (address, _stop) = site.serve().await;
    let mut phone = Phone::new(address);
    assert_eq!(location(&phone.sign_in("wang", PASSWORD).await), "/password");
    assert_eq!(location(&phone.get("/console").await), "/password");
    assert_eq!(phone.get("/api/v1/lanes").await.status().as_u16(), 403);
    let change = |old, new, again| [("old", old), ("new", new), ("again", again)];
    for (bad, word) in [
        (change(PASSWORD, "short", "short"), "at least 10"),
        (change(PASSWORD, PASSWORD, PASSWORD), "is the old one"),
        (change(PASSWORD, "another long one", "another"), "differ"),
        (change("wrong", "another long one", "another long one"), "old password is wrong"),
    ] {
        let answer = phone.post("/password", &bad).await;
        assert_eq!(answer.status().as_u16(), 422);
        assert!(answer.text().await.unwrap().contains(word), "{word}");
    }
    let done =
        phone.post("/password", &change(PASSWORD, "another long one", "another long one")).await;
    phone.keep_cookie(&done);
    assert_eq!(phone.get("/console").await.status().as_u16(), 200);
    assert_eq!(phone.sign_in("wang", PASSWORD).await.status().as_u16(), 401);
}

#[tokio::test]
async fn acts_need_our_own_page_and_a_reason() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let path = "/console/lanes/in/operate";
    for origin in [Some("https://evil.example"), Some("null"), None] {
        let mut request = phone.ask(Method::POST, path).form(&[("act", "open"), ("reason", "x")]);
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        assert_eq!(request.send().await.unwrap().status().as_u16(), 403, "{origin:?}");
    }
    let bare = phone.post(path, &[("act", "open"), ("reason", "  ")]).await;
    assert_eq!(bare.status().as_u16(), 422);
    assert!(bare.text().await.unwrap().contains("goes on record with your name"));
    assert_eq!((site.phase("in"), site.acted().len()), (Phase::Idle, 0));

    let done = phone.post(path, &[("act", "open"), ("reason", "Emergency vehicle")]).await;
    assert_eq!((done.status().as_u16(), location(&done)), (303, "/console#lane-in"));
    assert_eq!(site.phase("in"), Phase::Opening);
    assert_eq!(site.acted(), [("li".to_owned(), "Emergency vehicle".to_owned())]);
    let refused = phone.post(path, &[("act", "release"), ("reason", "why not")]).await;
    assert_eq!(refused.status().as_u16(), 409);
    let page = refused.text().await.unwrap();
    assert!(page.contains("not held open") && page.contains("why not"), "{page}");
    let odd = phone.post(path, &[("act", "explode"), ("reason", "x")]).await;
    assert_eq!(odd.status().as_u16(), 422);
    let history = phone.text("/console/lanes/in").await;
    assert!(history.contains("li: Open · Emergency vehicle"), "{history}");
}

#[tokio::test]
async fn a_busy_daemon_says_so() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    site.overload(true);
    let act = [("act", "open"), ("reason", "x")];
    let answer = phone.post("/console/lanes/in/operate", &act).await;
    assert_eq!(answer.status().as_u16(), 503);
    assert!(answer.text().await.unwrap().contains("Nothing was changed"));
}

#[tokio::test]
async fn the_console_hears_of_a_lane_that_changed() {
    let site = Site::new();
    let (address, stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    let listen = phone
        .hears("/console/live", |heard| heard.contains("live-in") && heard.contains("沪C88888"));
    let drive = async {
        tokio::task::yield_now().await;
        site.enter("沪C88888");
    };
    let (heard, ()) = tokio::join!(listen, drive);
    assert!(heard.contains("event: piece"));
    let mut stream = phone.get("/console/live").await;
    stop.send(true).unwrap();
    while stream.chunk().await.unwrap().is_some() {}
}

#[tokio::test]
async fn records_and_json_tell_the_same() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::operator(address).await;
    site.enter("沪C88888");
    assert!(phone.text("/console/stays?plate=c88").await.contains("沪C88888"));
    assert!(!phone.text("/console/stays?plate=x").await.contains("沪C88888"));
    assert!(phone.text("/console/stays/1").await.contains("/console/pictures/car.svg"));
    assert_eq!(phone.get("/console/stays/99").await.status().as_u16(), 404);
    assert!(phone.text("/api/v1/stays?plate=C88").await.contains("\"plate\":\"沪C88888\""));
    assert!(phone.text("/api/v1/lanes").await.contains("\"direction\":\"entry\""));
    let origin = format!("http://{address}");
    let order = |body: &'static str| {
        let request = phone.ask(Method::POST, "/api/v1/lanes/out/operate");
        let request = request.header(header::ORIGIN, origin.clone());
        request.header(header::CONTENT_TYPE, "application/json").body(body).send()
    };
    let done = order(r#"{"act":"lock","reason":"works"}"#).await.unwrap();
    assert_eq!((done.status().as_u16(), site.phase("out")), (200, Phase::Locked));
    let bad = order(r#"{"act":"lock"}"#).await.unwrap();
    assert_eq!(bad.status().as_u16(), 422);
    assert!(bad.text().await.unwrap().contains("\"next\""));
}
