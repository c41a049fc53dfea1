//! What drives a real browser through the page, against a local stack. The tests are in `tests/`, behind the feature `browser`.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test that cannot go on should stop")]

pub mod axe;
pub mod browser;
pub mod driver;
pub mod looks;
pub mod person;
pub mod popup;
pub mod test_stack;
pub mod traffic;
pub mod visit;
