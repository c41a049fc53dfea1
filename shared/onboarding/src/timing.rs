//! Times that the queue, the table and the workers agree on.

use time::Duration;

/// How late a message may be before reconciliation takes it for lost.
pub const QUEUE_GRACE: Duration = Duration::minutes(10);

/// The longest delay of a message that SQS allows.
pub const LONGEST_QUEUE_DELAY: Duration = Duration::minutes(15);

/// How long a worker holds an onboarding: longer than the timeout of every function that takes a lease (60 seconds in the
/// template). One length for all of them, because a worker that finds the lease held derives its age from the time left.
pub const LEASE: Duration = Duration::seconds(90);
