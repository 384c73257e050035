//! Writes to standard output; whoever reads it may stop in the middle (`kpd list | head`), which is no error.

/// A line. What nobody reads any more is dropped.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

pub(super) use say;
