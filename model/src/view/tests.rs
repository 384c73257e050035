//! The same rules in all three views: of each mutant, of legal histories, and of stories by hand.

mod fuzz;
mod http;
mod same;
mod stories;
