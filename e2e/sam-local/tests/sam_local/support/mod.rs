//! The SAM command line.

pub(crate) mod sam;
