//! Placeholder: linearize.
