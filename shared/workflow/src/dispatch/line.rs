//! The work that waits for a permit, as far as one pass looks.

use std::collections::{BTreeMap, VecDeque};

use onboarding::limiter::milliseconds;
use onboarding::{Class, limiter::CallLimit};
use store::{Due, Store, StoreError};
use time::OffsetDateTime;

/// So many more than there are tokens are read of each class: some turn out not to wait.
const SPARE: u32 = 10;
/// No more are read of a class at once.
const MOST_READ: u32 = 1000;

/// The first of each class.
#[derive(Default)]
pub(super) struct Line {
    classes: BTreeMap<Class, VecDeque<Due>>,
    /// Whether more may wait than were read.
    is_cut: bool,
}

impl Line {
    /// Reads the line as the index shows it.
    pub(super) async fn read(
        &mut self,
        store: &Store,
        limit: CallLimit,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let most = (limit.calls + SPARE).min(MOST_READ);
        for class in Class::WITH_PERMIT {
            let due = store.due(class, now, most).await?;
            self.is_cut |= due.len() >= most as usize;
            self.classes.insert(class, VecDeque::from(due));
        }
        Ok(())
    }

    /// Whether more may wait than were read.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Puts work into the line, at the place of its due time. The index may not show yet what has just become due.
    pub(super) fn put(&mut self, class: Class, due: Due) {
        let line = self.classes.entry(class).or_default();
        if line.iter().all(|other| other.key != due.key) {
            let place = line.partition_point(|other| other.due_at <= due.due_at);
            line.insert(place, due);
        }
    }

    /// The earliest due time of each class in which somebody waits.
    pub(super) fn heads(&self) -> BTreeMap<Class, i64> {
        let head = |line: &VecDeque<Due>| line.front().map(|due| milliseconds(due.due_at));
        self.classes.iter().filter_map(|(class, line)| Some((*class, head(line)?))).collect()
    }

    /// The first of a class leaves the line.
    pub(super) fn pop(&mut self, class: Class) -> Option<Due> {
        self.classes.get_mut(&class)?.pop_front()
    }
}
