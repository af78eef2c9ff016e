#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nacos_auth_fuzz::calls::run(data));
