//! Placeholder: system.
