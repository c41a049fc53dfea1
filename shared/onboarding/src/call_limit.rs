//! The Hub's call limit, shared by all functions: who may call now, and when the others should come back.
//!
//! 360dialog documents 5 requests in 30 seconds for one partner endpoint and was seen to apply it to all. A token here is taken by a call and comes back one period later, so that no
//! period, wherever it begins, holds more calls than the limit allows. Who finds no token is told a time to come back,
//! one per free token, so that tokens do not lie idle and messages are not moved about in vain. The more urgent goes
//! first: finishing an onboarding beats starting one.
//!
//! Pure; `store` keeps the bucket in the table.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// How many calls the Hub takes in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimit {
    /// Calls; at least 1.
    pub calls: u32,
    /// In any period of this length.
    pub period: Duration,
}

/// Who goes first when calls are short. The order of the variants is the order of urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// A key to be made: the customer is almost done.
    KeyCreation,
    /// A number to be submitted.
    NumberSubmission,
    /// A client account to be found or created.
    ClientAccount,
    /// The poll for webhooks that never came.
    Reconciliation,
}

/// The time at which somebody without a token was told to come back, in milliseconds since 1970. Shown again, it keeps
/// the place in the line.
pub type Slot = i64;

/// The answer to somebody who wants to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Call now; the token is taken.
    Granted,
    /// Come back then, with the slot if one was given.
    RetryAt {
        /// When.
        until: OffsetDateTime,
        /// The place in the line; `None` if the line is longer than a message can be delayed.
        slot: Option<Slot>,
    },
}

/// A token is taken before the call reaches the Hub, later calls may travel faster: periods are kept this much longer.
const TRAVEL: i64 = 500;
/// How much later than told somebody comes on average, because messages are delayed by whole seconds.
const LATE: i64 = 500;
/// The longest that a message can be delayed (SQS), and so the length of the line.
const LINE: i64 = 900_000;
/// How late somebody may come without losing the place. After that, the message is taken for lost.
const GRACE: i64 = 10_000;

/// The tokens taken and the line of those who wait.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// When each token that has not come back was taken, oldest first; milliseconds since 1970.
    taken: Vec<i64>,
    /// Who was told to come back when.
    waiting: Vec<Waiting>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Waiting {
    slot: Slot,
    priority: Priority,
}

impl Bucket {
    /// Takes a token for somebody of this priority, who holds this slot from an earlier answer, or says when to come back.
    pub fn take(&mut self, limit: CallLimit, priority: Priority, slot: Option<Slot>, now: OffsetDateTime) -> Permit {
        let now = milliseconds(now);
        let period = limit.period.whole_milliseconds().try_into().unwrap_or(i64::MAX / 4) + TRAVEL;
        let calls = usize::try_from(limit.calls.max(1)).unwrap_or(usize::MAX);
        self.taken.retain(|taken| taken + period > now);
        self.waiting.retain(|waiting| waiting.slot + GRACE > now);
        let held = slot.and_then(|slot| self.waiting.iter().position(|w| w.slot == slot));
        let held = held.map(|place| self.waiting.swap_remove(place));
        // A slot that was lost, or that was given for something less urgent, is no place in this line.
        let slot = held.filter(|held| held.priority == priority).map(|held| held.slot);

        let first =
            |w: &&Waiting| w.priority < priority || (w.priority == priority && slot.is_none_or(|slot| w.slot < slot));
        let due_before = self.waiting.iter().filter(|w| w.slot <= now).filter(first).count();
        let free = calls.saturating_sub(self.taken.len());
        if free > due_before {
            self.taken.push(now);
            return Permit::Granted;
        }

        // Who came as told and finds tokens late keeps the place; who must let the more urgent pass goes to the end of the
        // line, so that the others keep the times they were told.
        let keeps_place = slot.is_some() && !self.waiting.iter().any(|w| w.slot <= now && w.priority < priority);
        let before = |w: &&Waiting| if keeps_place { first(w) } else { w.priority <= priority };
        let line = self.waiting.iter().filter(before).count();
        let mut slot = self.token_free_at(line, calls, period, now).max(now + 1);
        // No two are the same, so that a slot says whose place it is.
        while self.waiting.iter().any(|waiting| waiting.slot == slot) {
            slot += 1;
        }
        if slot > now + LINE {
            return Permit::RetryAt { until: from_millis(now + LINE), slot: None };
        }
        self.waiting.push(Waiting { slot, priority });
        Permit::RetryAt { until: from_millis(slot), slot: Some(slot) }
    }

    /// When the token with this place in the line (0 is the next one) is free, if everybody before takes one.
    fn token_free_at(&self, place: usize, calls: usize, period: i64, now: i64) -> i64 {
        let rounds = i64::try_from(place / calls).unwrap_or(i64::MAX / 4);
        let free = calls.saturating_sub(self.taken.len());
        let in_round = (place % calls).checked_sub(free).and_then(|back| self.taken.get(back));
        in_round.map_or(now, |taken| taken + period).saturating_add((period + LATE).saturating_mul(rounds))
    }
}

fn milliseconds(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX / 4)
}

fn from_millis(milliseconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const LIMIT: CallLimit = CallLimit { calls: 5, period: Duration::seconds(30) };

    fn at(milliseconds: i64) -> OffsetDateTime {
        from_millis(1_790_000_000_000 + milliseconds)
    }

    /// Lets callers come when they want or are told to, in whole seconds of delay as SQS has them. Returns who called when.
    fn run(arrivals: &[(i64, Priority)]) -> (Vec<(i64, Priority)>, usize) {
        let mut bucket = Bucket::default();
        let mut agenda: BTreeMap<(i64, usize), (Priority, Option<Slot>)> =
            arrivals.iter().enumerate().map(|(n, (time, priority))| ((*time, n), (*priority, None))).collect();
        let (mut calls, mut asked) = (Vec::new(), 0);
        while let Some(((time, n), (priority, slot))) = agenda.pop_first() {
            asked += 1;
            match bucket.take(LIMIT, priority, slot, at(time)) {
                Permit::Granted => calls.push((time, priority)),
                Permit::RetryAt { until, slot } => {
                    let delay = milliseconds(until) - milliseconds(at(time));
                    assert!((1..=LINE).contains(&delay));
                    agenda.insert((time + (delay + 999) / 1000 * 1000, n), (priority, slot));
                }
            }
        }
        (calls, asked)
    }

    fn assert_within_limit(calls: &[(i64, Priority)]) {
        for window in calls.windows(6) {
            assert!(window[5].0 - window[0].0 > 30_000, "{window:?}");
        }
    }

    #[test]
    fn the_call_limit_is_used_up_and_not_exceeded() {
        let burst: Vec<_> = (0..800).map(|n| (n * 7, Priority::ClientAccount)).collect();
        let (calls, asked) = run(&burst);
        assert_eq!(calls.len(), 800);
        assert_within_limit(&calls);
        let bound = (800 / 5 - 1) * 30_000;
        let took = calls.last().unwrap().0;
        assert!(took * 100 <= bound * 105, "{took} ms, bound {bound} ms");
        assert!(asked < 800 * 5, "asked {asked} times");
    }

    #[test]
    fn urgent_calls_go_first_and_delay_the_others_by_one_period() {
        let mut arrivals: Vec<_> = (0..100).map(|_| (0, Priority::ClientAccount)).collect();
        arrivals.extend((0..10).map(|_| (1_000, Priority::KeyCreation)));
        let (calls, _) = run(&arrivals);
        assert_within_limit(&calls);
        let keys: Vec<i64> = calls.iter().filter(|(_, p)| *p == Priority::KeyCreation).map(|(t, _)| *t).collect();
        assert!(*keys.last().unwrap() <= 2 * 31_500, "keys at {keys:?}");
    }

    #[test]
    fn a_reservation_that_is_never_used_blocks_the_queue_briefly() {
        let mut bucket = Bucket::default();
        for _ in 0..5 {
            assert_eq!(bucket.take(LIMIT, Priority::ClientAccount, None, at(0)), Permit::Granted);
        }
        for _ in 0..20 {
            bucket.take(LIMIT, Priority::KeyCreation, None, at(0));
        }
        assert_eq!(bucket.take(LIMIT, Priority::ClientAccount, None, at(200_000)), Permit::Granted);
    }

    proptest! {
        #[test]
        fn no_period_holds_more_hub_calls_than_the_limit(
            arrivals in proptest::collection::vec((0..120_000i64, 0..4usize), 1..120)
        ) {
            let of = [Priority::KeyCreation, Priority::NumberSubmission, Priority::ClientAccount, Priority::Reconciliation];
            let arrivals: Vec<_> = arrivals.into_iter().map(|(time, p)| (time, of[p])).collect();
            let (calls, _) = run(&arrivals);
            prop_assert_eq!(calls.len(), arrivals.len());
            assert_within_limit(&calls);
        }
    }
}
