//! Any history as it is stored: an error that names the first part that is no event, or the events.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kpd_server::fuzzing::store_log(bytes));
