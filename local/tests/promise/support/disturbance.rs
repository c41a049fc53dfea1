//! What goes wrong between table, stream, index, queues and functions although no call fails.

use std::sync::Mutex;

use fastrand::Rng;
use time::Duration;

/// One of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Disturbance {
    /// The table's indexes show each write some seconds late.
    IndexLate,
    /// The stream's records come some seconds late.
    StreamLate,
    /// Each record comes again, with later ones.
    RecordsRepeated,
    /// Records of different items come in another order than they were written.
    OutOfOrder,
    /// No record ever comes.
    WakesLost,
    /// Two read the stream, and a run of the minute begins at the same moment.
    TwoReaders,
    /// Messages come late: most by up to 400 ms, one in fifty by 5 seconds, one in five hundred by a minute.
    MessagesLate,
}

impl Disturbance {
    pub(crate) const ALL: [Self; 7] = [
        Self::IndexLate,
        Self::StreamLate,
        Self::RecordsRepeated,
        Self::OutOfOrder,
        Self::WakesLost,
        Self::TwoReaders,
        Self::MessagesLate,
    ];
}

/// How late the index is.
pub(crate) const INDEX_LAG: Duration = Duration::seconds(3);
/// How late records are, and how long after a record it is repeated.
pub(crate) const STREAM_LAG: Duration = Duration::seconds(8);

/// Those of a test bench.
pub(crate) struct Disturbances {
    chosen: Mutex<Vec<Disturbance>>,
    dice: Mutex<Rng>,
}

impl Default for Disturbances {
    fn default() -> Self {
        Self { chosen: Mutex::default(), dice: Mutex::new(Rng::with_seed(7)) }
    }
}

impl Disturbances {
    /// From now on it is these.
    pub(crate) fn choose(&self, chosen: impl IntoIterator<Item = Disturbance>) {
        *self.chosen.lock().unwrap() = chosen.into_iter().collect();
    }

    pub(crate) fn has(&self, disturbance: Disturbance) -> bool {
        self.chosen.lock().unwrap().contains(&disturbance)
    }

    /// How late the next message comes.
    pub(crate) fn message_delay(&self) -> Duration {
        if !self.has(Disturbance::MessagesLate) {
            return Duration::ZERO;
        }
        let mut dice = self.dice.lock().unwrap();
        Duration::milliseconds(match dice.u16(..500) {
            0 => 60_000,
            1..=10 => 5_000,
            _ => dice.i64(0..=400),
        })
    }
}
