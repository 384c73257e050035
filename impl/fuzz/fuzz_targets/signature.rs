//! Any signed request: whose it is found to be stands and falls with what is signed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kpd_server::fuzzing::signature(bytes));
