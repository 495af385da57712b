//! Prices on the console and on the sign for everybody.

use super::{phone::Phone, site::Site};

#[tokio::test]
async fn an_operator_sees_the_tariff_and_quotes_a_case() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let stranger = Phone::new(address);
    assert_eq!(stranger.get("/console/tariffs").await.status().as_u16(), 303);
    let phone = Phone::operator(address).await;
    let page = phone.text("/console/tariffs").await;
    assert!(page.contains("Up to 15 min free") && page.contains("in force"), "{page}");
    assert!(page.contains(r#"class="fee b""#), "two lines in the chart: {page}");
    assert!(page.contains("1 h 30 min") && page.contains("¥40.00"), "{page}");

    let case = "from=2026-11-23T08:00&to=2026-11-23T10:30&class=large&colour=yellow&tier=&benefit=";
    let page = phone.text(&format!("/console/tariffs?tariff=hourly&{case}")).await;
    assert!(page.contains(r#"<p class="total">¥15.00</p>"#), "{page}");
    let page = phone.text(&format!("/console/tariffs?tariff=none&{case}percent:50+amount:2")).await;
    assert!(page.contains(r#"<p class="total">¥5.50</p>"#), "{page}");
    for bad in ["front", "<b>"] {
        let page = phone.text(&format!("/console/tariffs?{case}{bad}")).await;
        assert!(page.contains("is no benefit") && !page.contains("<b>\""), "{page}");
    }
    let page = phone.text("/console/tariffs?from=8&to=9").await;
    assert!(page.contains("is no time"), "{page}");
    assert_eq!(phone.get("/console/tariffs?tariff=%F0%9F%9A%97").await.status().as_u16(), 200);
}

#[tokio::test]
async fn the_sign_is_for_everybody_in_both_languages() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    let page = phone.text("/tariff").await;
    assert!(page.contains("Parking prices") && page.contains("at most ¥40.00 each 24 h"), "{page}");
    assert!(page.contains("Wed 08:00") && page.len() < 16_000, "{}", page.len());
    let page = phone.text("/tariff?lang=zh").await;
    assert!(page.contains("停放不超过15分钟免费") && page.contains("最高40元"), "{page}");
    assert!(!page.contains("/console"), "a driver is led to no console");
}
