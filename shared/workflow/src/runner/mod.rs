//! Who runs a step at the Hub: under a lease, within the call limit, with what follows from its end.

mod admission;
mod context;
mod step_error;
mod step_runner;

pub use context::HubContext;
pub(crate) use step_error::{FailedStep, StepError, key_refused};
pub(crate) use step_runner::StepRunner;
