//! The dispatcher decides who calls the Hub next. It gives permits to the work that is first, and settles what needs none.

mod admission;
mod deliveries;
mod dispatcher;
mod free_work;
mod line;
mod pass;

pub use dispatcher::Dispatcher;
pub use pass::Dispatched;
