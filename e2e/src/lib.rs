//! What drives a real browser through the page, against a local stack. The tests are in `tests/`, behind the feature `browser`.
#![cfg_attr(
    feature = "browser",
    expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test that cannot go on should stop")
)]

#[cfg(feature = "browser")]
pub mod axe;
#[cfg(feature = "browser")]
pub mod browser;
#[cfg(feature = "browser")]
pub mod driver;
#[cfg(feature = "browser")]
pub mod looks;
#[cfg(feature = "browser")]
pub mod person;
#[cfg(feature = "browser")]
pub mod popup;
#[cfg(feature = "browser")]
pub mod traffic;
#[cfg(feature = "browser")]
pub mod visit;
#[cfg(feature = "browser")]
pub mod world;
