//! Products and time slots: what a right file becomes, and where each mistake is told.

use std::os::unix::fs::PermissionsExt;

use super::{EXAMPLE, folder};
use crate::{
    config::{Mistake, Site, parse},
    core::{
        product::Validity,
        rules::{PassbackMode, TicketPassback},
        slot::Span,
    },
    types::{ProductId, ScheduleId, ZoneId},
};

const RIGHT: &str = r#"
[[schedule]]
id = "day"
name = "白天"
early_minutes = 15
quotas = { kiosk = 100 }

[[schedule.plan]]
days = ["weekend", "holiday"]
slots = ["08:30-11:00 500", "11:00-14:00 500", "22:00-00:30 80"]

[[schedule.plan]]
slots = ["09:00-12:00 300"]

[[product]]
id = "adult"
number = 1
name = "成人票"
name_en = "Adult"
kind = "adult"
price = [{ days = ["weekend"], amount = "80.00" }, { amount = "60.5" }]
areas = [{ zone = "lot", returns = "any" }]
schedule = "day"
refund = [{ until = "48h", percent = 100 }, { until = "-30m", percent = 50 }]
rebook = { until = "2h" }
sale = { opens = "08:00" }

[[product]]
id = "group"
number = 2
kind = "group"
persons = [10, 50]
price = [{ amount = "40.00" }]
valid = "3 days"
named = 1
named_days = 30

[[product]]
id = "boat"
number = 3
kind = "add_on"
to = "adult"
price = [{ amount = "30.00" }]
"#;

/// The site with this file of products beside it.
fn site(products: &str) -> Result<Site, Vec<Mistake>> {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("paifang-products-{}-{n}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("products.toml"), products).unwrap();
    let secrets = dir.join("secrets.toml");
    std::fs::copy(folder().join("secrets.toml"), &secrets).unwrap();
    std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o600)).unwrap();
    let site = parse(EXAMPLE, &dir);
    std::fs::remove_dir_all(&dir).unwrap();
    site
}

#[test]
fn a_file_of_products_becomes_rules() {
    let site = site(RIGHT).unwrap();
    let (shop, book) = (&site.rules.shop, &site.rules.tariffs);
    let day = ScheduleId::parse("day").unwrap();
    let spans = |date: &str| shop.schedules[&day].spans(date.parse().unwrap(), book);
    assert_eq!(spans("2026-11-24"), [Span { from: 540, to: 720, capacity: 300 }]);
    assert_eq!(spans("2026-11-28")[2], Span { from: 1_320, to: 1_470, capacity: 80 });
    let product = |id: &str| &shop.products[&ProductId::parse(id).unwrap()];
    let adult = product("adult");
    assert_eq!(adult.price_minor("2026-11-28".parse().unwrap(), book), Some(8_000));
    assert_eq!(adult.price_minor("2026-11-24".parse().unwrap(), book), Some(6_050));
    assert_eq!((adult.valid, adult.areas[0].returns), (Validity::Slot, None));
    assert_eq!(adult.refunds[1].until, jiff::SignedDuration::from_mins(-30));
    assert_eq!((product("group").persons(), product("group").valid), ((10, 50), Validity::Days(3)));
    // Sold until the day is over, where there is no slot.
    assert_eq!(product("group").window.closes, jiff::SignedDuration::from_hours(-24));
    assert_eq!(site.rules.tickets.numbers.len(), 3);
    assert_eq!(site.tickets.keep_days, 90);
}

#[test]
fn the_example_of_products_is_right() {
    let site = site(include_str!("../products.example.toml")).unwrap();
    let product = |id: &str| &site.rules.shop.products[&ProductId::parse(id).unwrap()];
    assert_eq!(site.rules.shop.products.len(), 6);
    assert_eq!(product("adult").window.opens, jiff::civil::time(8, 0, 0, 0));
    assert_eq!((product("night").named, product("night").named_days), (Some(1), 7));
}

#[test]
fn each_mistake_is_told_with_its_line_and_field() {
    for (from, to, line, field) in [
        ("[\"weekend\", \"holiday\"]", "[\"flood\"]", 9, "schedule.plan.days"),
        ("08:30-11:00 500", "8h-11:00 500", 10, "schedule.plan.slots"),
        ("08:30-11:00 500", "12:30-13:00 500", 10, "schedule.plan.slots"),
        ("number = 2", "number = 1", 30, "product.number"),
        ("\"60.5\"", "\"60.505\"", 21, "product.price.amount"),
        ("zone = \"lot\"", "zone = \"moon\"", 22, "product.areas.zone"),
        ("schedule = \"day\"", "schedule = \"night\"", 23, "product.schedule"),
        ("until = \"48h\"", "until = \"-48h\"", 24, "product.refund"),
        ("[10, 50]", "[50, 10]", 32, "product.persons"),
        ("\"3 days\"", "\"slot\"", 34, "product.valid"),
        ("to = \"adult\"", "to = \"cat\"", 42, "product.to"),
        ("to = \"adult\"", "", 39, "product.to"),
        ("id = \"group\"", "id = \"adult\"", 29, "product.id"),
        ("named_days = 30", "named_days = 0", 36, "product.named_days"),
        ("kind = \"adult\"", "kind = \"elder\"", 20, "kind"),
    ] {
        let text = RIGHT.replacen(from, to, 1);
        assert_ne!(text, RIGHT, "{from}");
        let mistakes = site(&text).unwrap_err();
        let told: Vec<_> = mistakes.iter().map(|m| (m.line, m.field.as_str())).collect();
        assert_eq!(told, [(line, field)], "{from} -> {to}: {mistakes:?}");
        assert!(mistakes[0].file.as_deref().is_some_and(|f| f.ends_with("products.toml")));
    }
}

#[test]
fn the_section_of_tickets_is_checked_too() {
    for (text, field) in [
        ("[tickets]\nhold_minutes = 1\n", "tickets.hold_minutes"),
        ("[tickets]\nareas = [\"moon\"]\n", "tickets.areas"),
        ("[tickets]\nareas = [\"lot\", \"lot\"]\n", "tickets.areas"),
        ("[tickets]\nsite_code = \" \"\n", "tickets.site_code"),
        ("[tickets]\nburst = 0\n", "tickets.burst"),
        ("[tickets]\ncrowd_wait_seconds = 601\n", "tickets.crowd_wait_seconds"),
        ("[tickets.passback]\nneutral_hours = 0\n", "tickets.passback.neutral_hours"),
        ("[[zone]]\nid = \"lot\"\npersons_max = 0\n", "zone.persons_max"),
        ("[tickets]\nproducts = \"nowhere.toml\"\n", "tickets.products"),
    ] {
        let mistakes = parse(&format!("{EXAMPLE}\n{text}"), &folder()).unwrap_err();
        let told: Vec<_> = mistakes.iter().map(|mistake| mistake.field.as_str()).collect();
        assert_eq!(told, [field], "{mistakes:?}");
    }
    let site = parse(EXAMPLE, &folder()).unwrap();
    assert!(site.rules.shop.products.is_empty() && !site.tickets.site_code.is_empty());
}

#[test]
fn how_gates_take_tickets_is_read_with_its_units() {
    let text = "[tickets]\nburst = 3\nreturn_pause_minutes = 5\ncrowd_wait_seconds = 90\n\
                day_begins = \"05:30\"\n[tickets.passback]\nmode = \"soft\"\nneutral_hours = 6\n\
                [[zone]]\nid = \"lot\"\npersons_max = 2000\n";
    let rules = parse(&format!("{EXAMPLE}\n{text}"), &folder()).unwrap().rules.tickets;
    let minutes = |minutes| std::time::Duration::from_mins(minutes);
    assert_eq!((rules.burst, rules.return_pause), (3, minutes(5)));
    assert_eq!((rules.crowd_wait, rules.day_begins), (minutes(3) / 2, minutes(330)));
    let expected = TicketPassback { mode: PassbackMode::Soft, neutral_after: minutes(360) };
    assert_eq!(rules.passback, expected);
    assert_eq!(rules.persons_max, [(ZoneId::parse("lot").unwrap(), 2_000)].into());
    let usual = parse(EXAMPLE, &folder()).unwrap().rules.tickets;
    assert_eq!((usual.burst, usual.day_begins), (1, minutes(240)));
    assert_eq!(usual.passback.mode, PassbackMode::Hard);
}
