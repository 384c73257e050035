//! Any bytes as an upload: our reader, the core and openmls agree on them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kpd_directory::fuzzing::key_package(bytes));
