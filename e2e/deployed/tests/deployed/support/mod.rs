//! The deployed stack that all steps work on.

pub(crate) mod stack;
