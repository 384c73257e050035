//! The binary `kpd`.

fn main() -> std::process::ExitCode {
    kpd_conformance::cli::main()
}
