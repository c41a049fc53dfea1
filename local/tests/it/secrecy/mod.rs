//! No secret is ever logged.

mod log_of_all_tests;
mod log_of_one_onboarding;
