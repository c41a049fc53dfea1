//! Runs many cases, each on a test bench of its own, several at once.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::thread;

use tokio::runtime::{Builder, Runtime};

/// A handler's future is large without optimization.
const STACK: usize = 16 << 20;

/// An input's number, the input, and what came of it.
type Done<I, T> = (usize, I, Result<T, String>);

/// How many cases run at once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AtOnce {
    /// One on each core, of cases that compute.
    Cores,
    /// Many, of cases that wait for a real time-out most of the time.
    Waiting,
}

impl AtOnce {
    fn threads(self) -> usize {
        match self {
            Self::Cores => thread::available_parallelism().map_or(2, usize::from),
            Self::Waiting => 16,
        }
    }
}

/// Runs a case for each input, and returns what came of it in their order. A case that panics has failed.
pub(crate) fn each<I, T, F>(at_once: AtOnce, inputs: Vec<I>, run: F) -> Vec<(I, Result<T, String>)>
where
    I: Clone + Send + 'static,
    T: Send + 'static,
    F: AsyncFn(I) -> Result<T, String> + Send + Sync,
{
    let left: Mutex<VecDeque<(usize, I)>> = Mutex::new(inputs.into_iter().enumerate().collect());
    let done: Mutex<Vec<Done<I, T>>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..at_once.threads() {
            let worker = thread::Builder::new().stack_size(STACK);
            let body = || {
                while let Some((number, input)) = { left.lock().unwrap().pop_front() } {
                    let outcome = thread::Builder::new()
                        .stack_size(STACK)
                        .spawn_scoped(scope, {
                            let (input, run) = (input.clone(), &run);
                            move || runtime().block_on(run(input))
                        })
                        .unwrap()
                        .join();
                    let outcome = outcome.unwrap_or_else(|_| Err("panicked, see above".to_owned()));
                    done.lock().unwrap().push((number, input, outcome));
                }
            };
            worker.spawn_scoped(scope, body).unwrap();
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(number, ..)| *number);
    done.into_iter().map(|(_, input, outcome)| (input, outcome)).collect()
}

/// A runtime for one test bench. The bench's servers end with it, and every task that still hangs in them.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs one test on a thread of its own, which has the stack that the functions need.
pub(crate) fn alone(test: impl AsyncFn() + Send + Sync) {
    for ((), outcome) in each(AtOnce::Cores, vec![()], async |()| {
        test().await;
        Ok(())
    }) {
        outcome.unwrap();
    }
}
