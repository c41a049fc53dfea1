//! Who calls the Hub next: the dispatcher gives permits to whoever is then first, and settles what needs none.

mod admission;
mod dispatcher;
mod free_work;
mod line;
mod pass;

pub use dispatcher::Dispatcher;
pub use pass::Dispatched;
