//! Embedded Signup: what the popup and Meta say, and what is believed of it.

mod claims;
mod closed_tab;
mod codes;
mod faults;
mod number_choice;
mod popup;
