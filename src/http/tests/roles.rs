//! Who may do what: each role at each route there is. A new route has to be put into the list, or the test fails.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use reqwest::{Method, header};

use super::{
    phone::Phone,
    site::{PASSWORD, Site},
};
use crate::types::Role;

/// Method, path, and who may: Owner, Manager, Booth, Gate staff, Accountant, Installer; `*`: whoever is signed in.
const ROUTES: &str = "
GET    /console                                  *
GET    /console/pictures/{name}                  *
GET    /console/live                             OMBG.I
GET    /console/lanes/{lane}                     OMBG.I
GET    /console/lanes/{lane}/live                OMBG.I
POST   /console/lanes/{lane}/operate             OMBG..
POST   /console/lanes/{lane}/plate               OMB...
POST   /console/lanes/{lane}/no-plate            OMB...
POST   /console/lanes/{lane}/fee                 OMB...
POST   /console/lanes/{lane}/entry               OMB...
GET    /console/tasks                            *
GET    /console/tasks/live                       *
GET    /console/tasks/{task}                     *
POST   /console/tasks/{task}/take                OMB...
POST   /console/tasks/{task}/settle              OMB...
POST   /console/tasks/{task}/stay                OMB...
GET    /console/zones                            OMBG.I
POST   /console/zones/{zone}/count               OMB...
GET    /console/passes                           OMB.A.
POST   /console/passes                           OM....
POST   /console/passes/import                    OM....
GET    /console/passes/{pass}                    OMB.A.
POST   /console/passes/{pass}                    OM....
POST   /console/passes/{pass}/{act}              OM....
GET    /console/lists                            OMB.A.
POST   /console/lists                            OM....
POST   /console/lists/{entry}/end                OM....
GET    /console/reservations                     OMB.A.
POST   /console/reservations                     OMB...
POST   /console/reservations/{reservation}/end   OMB...
GET    /console/stays                            OMB.A.
GET    /console/stays/{stay}                     OMB.A.
POST   /console/stays/{stay}/print               OMB...
GET    /console/tariffs                          OMB.A.
GET    /console/invoices                         OMB.A.
POST   /console/invoices/{order}/again           OMB.A.
GET    /console/devices                          OM...I
GET    /console/devices/live                     OM...I
POST   /console/devices/{device}/test            OM...I
GET    /console/admissions                       OMBGA.
POST   /console/admissions/{admission}/settle    OMBG..
GET    /console/shift                            OMB...
POST   /console/shift/{what}                     OMB...
GET    /console/orders/{order}                   OMB.A.
POST   /console/orders/{order}/cash              OMB...
POST   /console/orders/{order}/code              OMB...
GET    /console/payments                         OMB.A.
GET    /console/payments/{payment}               OMB.A.
POST   /console/payments/{payment}/refund        OMB.A.
POST   /console/payments/{payment}/{what}        OMB.A.
POST   /console/refunds/{refund}/{what}          OM..A.
GET    /console/counters                         OM....
POST   /console/counters                         OM....
POST   /console/counters/{counter}/forget        OM....
POST   /console/cash/{cash}/refund               OMB...
GET    /console/arrears                          OMB.A.
POST   /console/arrears/{arrears}/forgive        OM....
POST   /console/stays/{stay}/end                 OM....
GET    /console/settlement                       OM..A.
GET    /console/settlement/{day}/postings/{file} OM..A.
GET    /console/settlement/{day}/differences/{file} OM..A.
POST   /console/settlement/{day}/{channel}/arrived OM..A.
GET    /console/differences/{id}                 OM..A.
POST   /console/differences/{id}                 OM..A.
GET    /console/merchants                        OM..A.
POST   /console/merchants                        OM....
POST   /console/merchants/{merchant}             OM....
POST   /console/merchants/{merchant}/offer       OM....
POST   /console/merchants/{merchant}/account     OM....
POST   /console/merchants/{merchant}/suspend     OM....
GET    /console/window                           OMB...
POST   /console/window                           OMB...
POST   /console/window/collect                   OMB...
GET    /console/window/o/{order}                 OMBGA.
GET    /console/window/o/{order}/state           OMB...
POST   /console/window/o/{order}/cash            OMB...
POST   /console/window/o/{order}/code            OMB...
POST   /console/window/o/{order}/print           OMB...
POST   /console/window/o/{order}/fetch           OMB...
GET    /console/gate-check                       OMBG..
POST   /console/gate-check                       OMBG..
GET    /console/gate-check/sw.js                 OMBG..
POST   /console/gate-check/photo                 OMBG..
GET    /console/visitors                         OM..A.
POST   /console/visitors/count                   OMBG..
GET    /console/visitors/{day}/{file}            OM..A.
GET    /console/slots                            OMBGA.
POST   /console/slots                            OM....
POST   /console/slots/close                      OM....
GET    /console/tickets                          OMBGA.
GET    /console/tickets/{ticket}                 OMBGA.
GET    /console/tickets/{ticket}/move            OMB...
POST   /console/tickets/{ticket}/move            OMB...
POST   /console/tickets/{ticket}/name            OMB...
POST   /console/tickets/{ticket}/{what}          OMB...
POST   /console/tickets/{ticket}/card/{what}     OMB...
GET    /console/search                           OMBGA.
GET    /console/audit                            OM..A.
GET    /console/audit/{file}                     OM..A.
GET    /console/reports                          OM..A.
GET    /console/reports/{file}                   OM..A.
GET    /console/users                            OM....
POST   /console/users                            OM....
POST   /console/users/change                     OM....
GET    /console/arrears/file/{form}              OMB.A.
GET    /console/merchants/{merchant}/bill        OM..A.
GET    /console/merchants/{merchant}/bill/{month}/{file} OM..A.
POST   /console/merchants/{merchant}/bear        OM....
POST   /console/merchants/{merchant}/paid        OM....
GET    /console/programs                         OM....
POST   /console/programs                         OM....
POST   /console/programs/{program}/forget        OM....
POST   /console/webhooks                         OM....
POST   /console/webhooks/{webhook}/{act}         OM....
GET    /console/settlement/{day}/payments/{file} OM..A.
GET    /console/settlement/{day}/shares          OM..A.
GET    /console/settlement/{day}/shares/{file}   OM..A.
POST   /console/settlement/{day}/settle          OM..A.
POST   /console/settlement/{day}/transferred/{partner} OM..A.
GET    /console/tariffs/edit                     OM....
POST   /console/tariffs/edit                     OM....
POST   /console/tariffs/preview                  OM....
POST   /console/reload                           OM....
POST   /console/lists/agreement                  OM....
POST   /console/passes/sell                      OMB...
POST   /console/passes/{pass}/sell               OMB...
POST   /console/passes/orders/{order}/cancel     OMB...
POST   /console/payments/{payment}/portal        OMB.A.
POST   /console/refunds/{refund}/portal          OM..A.
POST   /console/stays/{stay}/validations/{validation}/revoke OM....
POST   /api/v1/tickets                           OMB...
DELETE /api/v1/tickets/{ticket}                  OMB...
POST   /api/v1/tickets/issue                     OMB...
POST   /api/v1/tickets/{ticket}/revoke           OMB...
GET    /api/v1/lanes                             OMBG.I
GET    /api/v1/tasks                             *
POST   /api/v1/zones/{zone}/count                OMB...
GET    /api/v1/stays                             OMB.A.
POST   /api/v1/lanes/{lane}/operate              OMBG..
GET    /api/v1/passes                            OMB.A.
POST   /api/v1/passes                            OM....
DELETE /api/v1/passes/{pass}                     OM....
PUT    /api/v1/passes/{pass}                     OM....
GET    /api/v1/lists                             OMB.A.
POST   /api/v1/lists                             OM....
DELETE /api/v1/lists/{entry}                     OM....
GET    /api/v1/reservations                      OMB.A.
POST   /api/v1/reservations                      OMB...
DELETE /api/v1/reservations/{reservation}        OMB...
POST   /api/v1/settlement/{day}                  OM..A.
GET    /api/v1/devices                           OM...I
GET    /api/v1/devices/live                      OM...I
GET    /api/v1/devices/strangers                 OM...I
POST   /api/v1/devices/strangers                 OM...I
POST   /api/v1/devices/{device}/test             OM...I
";

fn listed() -> impl Iterator<Item = (Method, &'static str, &'static str)> {
    ROUTES.lines().filter(|line| !line.is_empty()).map(|line| {
        let mut words = line.split_whitespace();
        let method = words.next().unwrap().parse().unwrap();
        (method, words.next().unwrap(), words.next().unwrap())
    })
}

fn is_for(who: &str, role: Role) -> bool {
    let letter = ["O", "M", "B", "G", "A", "I"][role as usize];
    who == "*" || who.contains(letter)
}

/// All routes of operators that stand anywhere in the sources of the pages.
fn in_the_sources() -> BTreeSet<(String, String)> {
    fn walk(folder: &Path, found: &mut BTreeSet<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("tests") {
                    walk(&path, found);
                }
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            for route in text.split(".route(").skip(1) {
                let Some(route) = route.trim_start().strip_prefix('"') else { continue };
                let (at, handlers) = route.split_once('"').unwrap();
                // Up to the bracket that closes `.route(`.
                let mut open = 1;
                let end = handlers.find(|c| {
                    open += i32::from(c == '(') - i32::from(c == ')');
                    open == 0
                });
                let handlers = &handlers[..end.unwrap()];
                if !at.starts_with("/console") {
                    continue;
                }
                for method in ["get", "post", "put", "delete"] {
                    let called = [format!(" {method}("), format!(".{method}(")];
                    // A route whose handlers have a name of their own is a post.
                    let named = method == "post" && !handlers.contains('(');
                    if named || called.iter().any(|call| handlers.contains(call)) {
                        found.insert((method.to_uppercase(), at.to_owned()));
                    }
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http"), &mut found);
    found
}

#[test]
fn every_route_is_listed() {
    // What programs do stands in a list of its own, which another test holds against what is served.
    let listed: BTreeSet<_> = listed()
        .filter(|(_, path, _)| path.starts_with("/console"))
        .map(|(method, path, _)| (method.to_string(), path.to_owned()))
        .collect();
    let there = in_the_sources();
    assert!(there.len() > 90, "{}", there.len());
    let missing: Vec<_> = there.difference(&listed).collect();
    assert!(missing.is_empty(), "say in ROUTES who may: {missing:?}");
    let gone: Vec<_> = listed.difference(&there).collect();
    assert!(gone.is_empty(), "no such route: {gone:?}");
}

fn filled(path: &str) -> String {
    let fill = |part: &str| match part {
        "{lane}" => "in".to_owned(),
        "{day}" => "2026-11-23".to_owned(),
        "{name}" | "{file}" => "x.csv".to_owned(),
        "{act}" | "{what}" | "{channel}" | "{counter}" | "{device}" | "{zone}" => "x".to_owned(),
        part if part.starts_with('{') => "99".to_owned(),
        part => part.to_owned(),
    };
    path.split('/').map(fill).collect::<Vec<_>>().join("/")
}

async fn ask(phone: &Phone, method: &Method, path: &str) -> (u16, String) {
    let request = phone.ask(method.clone(), &filled(path));
    let mut request = request.header(header::ORIGIN, phone.base.clone());
    if *method != Method::GET {
        let kind = if path.starts_with("/api") {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        };
        request = request.header(header::CONTENT_TYPE, kind).body("");
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    // A live page has no end.
    let text = if status == 200 { String::new() } else { answer.text().await.unwrap() };
    (status, text)
}

#[tokio::test]
async fn each_role_may_what_the_list_says_and_nothing_else() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let nobody = Phone::new(address);
    for (method, path, _) in listed() {
        let (status, _) = ask(&nobody, &method, path).await;
        let wanted = if path.starts_with("/api") { 401 } else { 303 };
        assert_eq!(status, wanted, "{method} {path} for nobody");
    }
    for role in Role::ALL {
        site.add_person(role.name(), role, false);
        let mut phone = Phone::new(address);
        phone.sign_in(role.name(), PASSWORD).await;
        for (method, path, who) in listed() {
            let (status, text) = ask(&phone, &method, path).await;
            let told = format!("{method} {path} for {role}: {status} {text}");
            assert_eq!(status != 403, is_for(who, role), "{told}");
            assert!(status < 500, "{told}");
            if status == 403 {
                assert!(text.contains("This is for: owner"), "{told}");
                assert!(!path.starts_with("/api") || text.contains("\"not_allowed\""), "{told}");
            }
        }
    }
}

#[tokio::test]
async fn the_header_leads_only_where_its_reader_may_go() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let may: BTreeMap<&str, &str> =
        listed().filter(|(m, ..)| *m == Method::GET).map(|(_, path, who)| (path, who)).collect();
    for role in Role::ALL {
        site.add_person(role.name(), role, false);
        let mut phone = Phone::new(address);
        let signed_in = phone.sign_in(role.name(), PASSWORD).await;
        let page = phone.text(super::phone::location(&signed_in)).await;
        let header = page.split_once("</header>").expect("a page of the console").0;
        let links: Vec<_> = header
            .split("href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .filter(|link| link.starts_with("/console"))
            .collect();
        assert!(links.len() >= 3, "{role}: {links:?}");
        for link in links {
            assert!(may.get(link).is_some_and(|who| is_for(who, role)), "{role}: {link}");
        }
    }
}

/// Gate staff let people in; an arm is another matter.
#[tokio::test]
async fn gate_staff_open_turnstiles_and_no_arm() {
    let site = Site::new();
    site.add_person("men", Role::Gate, false);
    let (address, _stop) = site.serve().await;
    let mut phone = Phone::new(address);
    phone.sign_in("men", PASSWORD).await;
    let act = [("act", "open"), ("reason", "a child without a ticket")];
    assert_eq!(phone.post("/console/lanes/in/operate", &act).await.status().as_u16(), 403);
    let gate = phone.post("/console/lanes/gate/operate", &act).await;
    assert_ne!(gate.status().as_u16(), 403);
    assert!(site.acted().iter().all(|(who, _)| who == "men"));
}
