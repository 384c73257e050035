//! Tests of what no socket is needed for.
