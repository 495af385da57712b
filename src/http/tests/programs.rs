//! Programs with tokens: scopes, idempotency keys, problems, and the document against what is served.

use std::{collections::BTreeSet, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use reqwest::{Method, Response, header};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{phone::Phone, site::Site};
use crate::{
    store::{Accounts, Options, Store},
    types::{Once, Scope},
};

/// A site whose programs are in a real database.
struct Office {
    site: Arc<Site>,
    phone: Phone,
    operator: Phone,
    accounts: Accounts,
    folder: std::path::PathBuf,
    _stop: watch::Sender<bool>,
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Office {
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("paifang-{name}-{}", std::process::id()));
        let store = Store::open(&folder.join("db"), Options::default()).await.unwrap();
        let site = Site::new();
        let accounts = store.accounts.clone();
        assert!(site.programs.set(Arc::new(store.accounts)).is_ok());
        let (address, stop): (SocketAddr, _) = site.serve().await;
        let (phone, operator) = (Phone::new(address), Phone::operator(address).await);
        Self { site, phone, operator, accounts, folder, _stop: stop }
    }

    /// A token given out on the page.
    async fn token(&self, name: &str, scopes: &[Scope]) -> String {
        let mut form = vec![("name", name)];
        form.extend(scopes.iter().map(|scope| ("scope", scope.name())));
        let page = self.operator.post("/console/programs", &form).await;
        assert_eq!(page.status().as_u16(), 200);
        let page = page.text().await.unwrap();
        page.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned()
    }

    async fn ask(
        &self,
        token: &str,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Response {
        let mut request = self.phone.ask(method, path);
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request =
                request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
        }
        request.send().await.unwrap()
    }

    async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        read(self.ask(token, Method::GET, path, None, None).await).await
    }
}

async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

fn pass(plate: &str) -> Value {
    json!({
        "holder": "张三", "plates": [plate], "kind": { "is": "season" },
        "valid_from": "2026-11-01T00:00:00Z", "valid_until": "2027-11-01T00:00:00Z"
    })
}

#[tokio::test]
async fn a_token_does_what_its_scopes_say_and_no_more() {
    let office = Office::new("scopes").await;
    office.site.enter("沪A12345");
    let token = office.token("guidance", &[Scope::StaysRead]).await;
    let (status, stays) = office.get(&token, "/api/v1/stays").await;
    assert_eq!((status, &stays[0]["plate"]), (200, &json!("沪A12345")));
    let (status, quote) = office.get(&token, "/api/v1/stays/1/quote").await;
    assert_eq!((status, &quote["due"]["minor"]), (200, &json!(0)), "{quote}");
    assert_eq!(office.get(&token, "/api/v1/stays/1").await.1["stay"]["state"], "inside");
    let (status, no) = office.get(&token, "/api/v1/lanes").await;
    assert_eq!(
        (status, &no["code"], &no["who"]),
        (403, &json!("no_scope"), &json!("/api/v1/lanes"))
    );
    assert!(no["detail"].as_str().unwrap().contains("lanes:read"), "{no}");
    for wrong in ["", "nobody-s"] {
        let answer = office.ask(wrong, Method::GET, "/api/v1/stays", None, None).await;
        assert_eq!(answer.headers()[header::WWW_AUTHENTICATE], "Bearer");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(read(answer).await.0, 401);
    }
    let page = office.operator.text("/console/programs").await;
    assert!(page.contains("guidance") && page.contains("last used") && !page.contains(&token));
    let again =
        office.operator.post("/console/programs", &[("name", "guidance"), ("scope", "lanes:read")]);
    assert_eq!(again.await.status().as_u16(), 409, "the name is taken");
    office.operator.post("/console/programs/guidance/forget", &[]).await;
    assert_eq!(office.get(&token, "/api/v1/stays").await.0, 401);
}

#[tokio::test]
async fn what_a_program_does_is_on_record_with_its_name() {
    let office = Office::new("record").await;
    let token = office.token("guidance", &[Scope::LanesOperate, Scope::OrdersWrite]).await;
    let act = json!({ "act": "open", "reason": "a test" });
    let path = "/api/v1/lanes/in/operate";
    let answer = office.ask(&token, Method::POST, path, None, Some(&act)).await;
    assert_eq!(read(answer).await.0, 200);
    assert_eq!(office.site.acted(), [("program guidance".to_owned(), "a test".to_owned())]);
    // It sells under its own name, like a counter.
    let sale = json!({ "key": "1", "subject": "洗车", "amount_minor": 3_000 });
    let (status, sold) =
        read(office.ask(&token, Method::POST, "/api/v1/orders", None, Some(&sale)).await).await;
    assert_eq!(status, 200, "{sold}");
    let order = office.site.orders().pop().unwrap();
    assert_eq!(order.sale.unwrap().counter.as_str(), "guidance");
}

#[tokio::test]
async fn the_same_key_is_done_once() {
    let office = Office::new("once").await;
    let token = office.token("office", &[Scope::PassesWrite]).await;
    let add = |key: &'static str, plate: &'static str| {
        let (office, token) = (&office, &token);
        async move {
            let body = pass(plate);
            office.ask(token, Method::POST, "/api/v1/passes", Some(key), Some(&body)).await
        }
    };
    let first = read(add("a", "沪A12345").await).await;
    assert_eq!(first.0, 200, "{}", first.1);
    let again = add("a", "沪A12345").await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(read(again).await, first, "the same answer");
    let (status, no) = read(add("a", "沪B12345").await).await;
    assert_eq!((status, &no["code"]), (422, &json!("key_reused")));
    // Refused is an answer too, and stays one.
    let refused = read(add("b", "沪A12345").await).await;
    assert_eq!(refused.0, 409);
    assert_eq!(read(add("b", "沪A12345").await).await, refused);
    // What was not tried leaves the key free.
    office.site.overload(true);
    assert_eq!(read(add("c", "沪C12345").await).await.0, 503);
    office.site.overload(false);
    assert_eq!(read(add("c", "沪C12345").await).await.0, 200);
    // Begun, and the power went before the answer was kept.
    let (now, told) = (office.site.world().now, digest("沪D12345"));
    let begun = office.accounts.begin_once("program office", "d", &told, now);
    assert_eq!(begun.await.unwrap(), Once::New);
    let (status, no) = read(add("d", "沪D12345").await).await;
    assert_eq!((status, &no["code"]), (409, &json!("outcome_unknown")));
    // A day later it is forgotten.
    office.site.after(Duration::from_hours(25));
    assert_eq!(read(add("d", "沪D12345").await).await.0, 200);
    let body = pass("沪E12345");
    let odd = office.ask(&token, Method::POST, "/api/v1/passes", Some(" "), Some(&body));
    assert_eq!(read(odd.await).await.0, 422);
}

/// Of a request to add this pass.
fn digest(plate: &str) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(format!("/api/v1/passes\0{}", pass(plate))).into()
}

#[tokio::test]
async fn a_request_on_its_way_is_not_done_twice() {
    let office = Office::new("flight").await;
    let token = office.token("office", &[Scope::PassesWrite]).await;
    let body = pass("沪A12345");
    let ask = || office.ask(&token, Method::POST, "/api/v1/passes", Some("k"), Some(&body));
    let all = futures::future::join_all((0..8).map(|_| ask())).await;
    let mut made = BTreeSet::new();
    for answer in all {
        let (status, body) = read(answer).await;
        match status {
            200 => drop(made.insert(body["id"].as_i64().unwrap())),
            409 => assert_eq!(body["code"], "in_flight", "{body}"),
            other => panic!("{other}: {body}"),
        }
    }
    assert_eq!(made.len(), 1);
}

#[tokio::test]
async fn lists_come_in_parts() {
    let office = Office::new("parts").await;
    for plate in ["沪A11111", "沪A22222", "沪A33333"] {
        office.site.enter(plate);
    }
    let token = office.token("reader", &[Scope::StaysRead]).await;
    let mut path = "/api/v1/stays?limit=2&plate=A".to_owned();
    let mut seen = Vec::new();
    loop {
        let answer = office.ask(&token, Method::GET, &path, None, None).await;
        let link = answer.headers().get(header::LINK).map(|link| link.to_str().unwrap().to_owned());
        let (status, part) = read(answer).await;
        assert_eq!(status, 200, "{part}");
        seen.extend(part.as_array().unwrap().iter().map(|stay| stay["id"].as_i64().unwrap()));
        let Some(link) = link else { break };
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    assert_eq!(seen, [3, 2, 1]);
    for odd in ["limit=0", "limit=201", "after=0", "after=x", "colour=red"] {
        let (status, no) = office.get(&token, &format!("/api/v1/stays?{odd}")).await;
        assert!((400..500).contains(&status), "{odd}: {status} {no}");
    }
}

// ---- the document --------------------------------------------------------------------------------

fn operations(document: &Value) -> Vec<(String, Method, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let methods = item.as_object().unwrap().clone();
        let path = path.clone();
        methods.into_iter().map(move |(method, operation)| {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            (path.clone(), method, operation)
        })
    };
    paths.iter().flat_map(of).collect()
}

/// Every literal in the pages' sources that is a path of the API.
fn named_paths() -> BTreeSet<String> {
    fn walk(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("tests") {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap();
                let named = text.split("\"/api/v1/").skip(1);
                found.extend(
                    named.map(|rest| format!("/api/v1/{}", rest.split('"').next().unwrap())),
                );
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http"), &mut found);
    found
}

#[tokio::test]
async fn the_document_says_what_is_served_and_nothing_else() {
    let office = Office::new("document").await;
    let (status, document) = office.get("", "/api/v1/openapi.json").await;
    assert_eq!((status, document["openapi"].as_str().unwrap().split('.').nth(1)), (200, Some("1")));
    let operations = operations(&document);
    let told: BTreeSet<String> = operations.iter().map(|(path, ..)| path.clone()).collect();
    assert_eq!(told, named_paths(), "left: the document; right: the sources");
    let ids: BTreeSet<_> =
        operations.iter().map(|(_, _, op)| op["operationId"].to_string()).collect();
    assert_eq!(ids.len(), operations.len(), "each is called otherwise");
    let refs = document.to_string();
    for name in refs.split("#/components/schemas/").skip(1).map(|r| r.split('"').next().unwrap()) {
        assert!(document["components"]["schemas"].get(name).is_some(), "{name} is nowhere");
    }
    let tags: BTreeSet<_> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["name"].clone().to_string())
        .collect();
    for (path, method, operation) in &operations {
        let at = path.split('/').map(|part| match part {
            "{lane}" => "in",
            "{day}" => "2026-11-23",
            part if part.starts_with('{') => "1",
            part => part,
        });
        let at = at.collect::<Vec<_>>().join("/");
        assert!(tags.contains(&operation["tags"][0].to_string()), "{path} has no tag");
        let wrong = office.ask("", Method::PATCH, &at, None, None).await;
        assert_eq!(wrong.status().as_u16(), 405, "{path}");
        let public = operation["security"] == json!([{}]);
        let status = office.ask("", method.clone(), &at, None, None).await.status().as_u16();
        assert_eq!(status == 401, !public, "{method} {path}: {status}");
        let Some(scope) = operation["security"][0]["token"][0].as_str() else { continue };
        // Every scope but this one.
        let scope = Scope::parse(scope).unwrap();
        let others: Vec<Scope> = Scope::ALL.iter().copied().filter(|s| *s != scope).collect();
        let name = format!("no-{}", scope.name().replace(':', "-"));
        let now = office.site.world().now;
        let digest = sha2::Digest::finalize(sha2::Digest::chain_update(
            <sha2::Sha256 as sha2::Digest>::new(),
            &name,
        ));
        let _ = office.accounts.add_program(&name, &others, &digest.into(), "test", now).await;
        let (status, no) = read(office.ask(&name, method.clone(), &at, None, None).await).await;
        assert_eq!((status, &no["code"]), (403, &json!("no_scope")), "{method} {path}: {no}");
        assert!(no["detail"].as_str().unwrap().contains(scope.name()), "{no}");
    }
    assert!(operations.len() > 50, "{}", operations.len());
}

#[tokio::test]
async fn the_page_to_try_it_asks_only_this_site() {
    let office = Office::new("try").await;
    let page = office.phone.get("/api/v1").await;
    assert_eq!(page.status().as_u16(), 200);
    assert!(
        page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'self'")
    );
    let page = page.text().await.unwrap();
    let script = page.split("<script src=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(!page.contains("//cdn") && script.starts_with("/assets/"));
    assert!(office.phone.text(script).await.contains("/api/v1/openapi.json"));
}
