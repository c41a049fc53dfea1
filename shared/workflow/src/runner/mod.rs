//! Who runs a step at the Hub: with a permit, and with a result that is recorded.

mod context;
mod permitted_work;
mod step_error;
mod step_runner;

pub use context::HubContext;
pub(crate) use permitted_work::PermittedWork;
pub(crate) use step_error::{FailedStep, StepError, key_refused};
pub(crate) use step_runner::StepRunner;
