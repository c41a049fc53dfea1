//! Embedded Signup: what the popup and Meta say, and what is believed of it.

mod claims;
mod closed_tab;
mod codes;
mod confirming;
mod faults;
mod link_end;
mod number_choice;
mod partner_claim;
mod popup;
mod several_wabas;
