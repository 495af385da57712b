//! Every seed of the fuzzer through the body of its target, with the usual compiler: targets cannot
//! rot, and what the fuzzer once found stays found.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{fs, path::Path};

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "the fuzzer's own crate")]
mod targets;

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 5] = [
    ("messages", targets::messages),
    ("http_bodies", targets::http_bodies),
    ("serial", targets::serial),
    ("osdp", targets::osdp),
    ("id_card", targets::id_card),
];

#[test]
fn every_seed_goes_through_its_target() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    for (name, target) in TARGETS {
        let mut files: Vec<_> =
            fs::read_dir(seeds.join(name)).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        assert!(files.len() >= 5, "{name} has hardly a seed");
        for file in files {
            let seed = fs::read(&file).unwrap();
            println!("{}", file.display());
            target(&seed);
            // Cut short anywhere, and with one bit turned.
            for at in (0..seed.len()).step_by((seed.len() / 20).max(1)) {
                target(&seed[..at]);
                let mut turned = seed.clone();
                turned[at] ^= 1 << (at % 8);
                target(&turned);
            }
        }
    }
}
