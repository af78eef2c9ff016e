//! Telling the host: events, which are the lines of its log as well, figures, and how its functions are called.

mod counters;
mod dispatcher;
mod event;
mod listener;

pub(crate) use counters::{Count, Counters, Outcome};
pub(crate) use dispatcher::Dispatcher;
pub use event::{Event, EventKind, Level};
pub use listener::Supply;
pub(crate) use listener::{Hooks, Inside, Listener, is_inside};
