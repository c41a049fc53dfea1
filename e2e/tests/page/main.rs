//! The page in a real browser, against a local stack: what a person sees, and what the record holds.

mod finish;
