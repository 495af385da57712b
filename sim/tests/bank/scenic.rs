//! Tickets of the scenic cloud over real HTTP: checked, written off, and every way the cloud does not answer.

use paifang::{
    bank::icbc::{IcbcSettings, ScenicSettings},
    types::{CloudAsk, CloudNo, CloudSlip, CloudWord},
};
use paifang_sim::bank::Faults;

use super::support::*;

const CODE: &str = "881234567890";

fn settings(pair: &Pair) -> IcbcSettings {
    let text = "corp_id = \"0000000272\"\nspot_id = \"1\"\nunknown_codes = [\"94001\"]\n\
                used_codes = [\"94002\"]\nrefused_codes = [\"94009\"]";
    let scenic: ScenicSettings = toml::from_str(text).unwrap();
    let (connect_timeout_ms, read_timeout_ms) = (1_000, 1_000);
    let scenic = Some(scenic);
    IcbcSettings { scenic, connect_timeout_ms, read_timeout_ms, ..pair.settings.clone() }
}

fn check() -> CloudAsk {
    CloudAsk::Check { trade_no: "PFT1".into(), code: CODE.into() }
}

fn write_off(trade_no: &str) -> CloudAsk {
    let ticket_no = format!("N{}", CODE.chars().rev().collect::<String>());
    let slip = CloudSlip {
        ticket_nos: vec![ticket_no.clone()],
        enter_type: "10".into(),
        ticket_type: "0".into(),
    };
    CloudAsk::WriteOff { trade_no: trade_no.into(), ticket_no, slip }
}

fn no(word: &CloudWord) -> Option<CloudNo> {
    match word {
        CloudWord::Refused { no, .. } => Some(*no),
        _ => None,
    }
}

fn is_silent(word: &CloudWord) -> bool {
    matches!(word, CloudWord::Unknown { .. })
}

#[tokio::test]
async fn a_ticket_is_checked_and_written_off_once() {
    let pair = faulty(Faults::default()).await;
    let channel = open(settings(&pair));
    assert_eq!(no(&channel.ticket(&check()).await), Some(CloudNo::NotThere));
    pair.gateway.scenic(|cloud| cloud.sell(CODE, 2));
    let good = channel.ticket(&check()).await;
    assert!(matches!(good, CloudWord::Good { persons: 2, .. }), "{good:?}");
    assert_eq!(channel.ticket(&write_off("A")).await, CloudWord::WrittenOff);
    assert_eq!(channel.ticket(&write_off("A")).await, CloudWord::WrittenOff, "the same number");
    assert_eq!(no(&channel.ticket(&write_off("B")).await), Some(CloudNo::Other));
    assert_eq!(no(&channel.ticket(&check()).await), Some(CloudNo::Used));
    assert!(is_silent(&pair.channel.ticket(&check()).await), "no cloud is set there");
}

#[tokio::test]
async fn what_nobody_said_is_unknown_and_the_same_number_tells() {
    let pair = faulty(Faults::default()).await;
    let channel = open(settings(&pair));
    pair.gateway.scenic(|cloud| {
        cloud.sell(CODE, 1);
        cloud.unanswered = 1;
    });
    assert!(is_silent(&channel.ticket(&write_off("A")).await), "done, and nobody said so");
    assert_eq!(channel.ticket(&write_off("A")).await, CloudWord::WrittenOff);
    pair.gateway.scenic(|cloud| cloud.silent = true);
    assert!(is_silent(&channel.ticket(&check()).await));
    pair.gateway.scenic(|cloud| cloud.silent = false);
    pair.gateway.set_faults(Faults { wrong_sign: 1.0, ..Faults::default() });
    assert!(is_silent(&channel.ticket(&check()).await), "signed by somebody else");
    pair.gateway.set_faults(Faults { slow: 1.0, slow_ms: 3_000, ..Faults::default() });
    assert!(is_silent(&channel.ticket(&check()).await), "too slow");
}
