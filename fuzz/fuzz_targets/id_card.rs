#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| paifang_fuzz::id_card(data));
