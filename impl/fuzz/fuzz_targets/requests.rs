//! Any requests in a row: each answer is one that the OpenAPI document names.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kpd_server::fuzzing::requests(bytes));
