//! A file of the durable store with any damage: whatever its reader makes of it is an error of the store.
#![no_main]

libfuzzer_sys::fuzz_target!(
    // A panic that the store catches is none here: libFuzzer would end at each.
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| kpd_server::fuzzing::store_file(bytes)
);
