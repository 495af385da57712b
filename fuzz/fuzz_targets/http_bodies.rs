#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if !paifang_fuzz::is_left_out(data) {
        paifang_fuzz::http_bodies(data);
    }
});
