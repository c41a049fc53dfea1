//! The documents against the code and the template.

mod crates;
mod facts;
mod links;
