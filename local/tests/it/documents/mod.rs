//! The documents against the code and the template.

mod facts;
mod links;
