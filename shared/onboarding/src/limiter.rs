//! Permits: who may call the Hub now.
//!
//! 360dialog documents 5 requests in 30 seconds for one partner endpoint and was seen to apply it to all. A permit is the
//! right to make one call. It is given when a token is free, to the work that is then first. A token is free again some time after
//! the call was made, or once its permit is void; so no period, wherever it begins, holds more calls than the limit allows,
//! however late a message is.
//!
//! Pure; `store` keeps it in the table. Times are milliseconds since 1970.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::work::Class;

/// How many calls the Hub takes in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimit {
    /// Calls; at least 1.
    pub calls: u32,
    /// In any period of this length.
    pub period: Duration,
}

impl CallLimit {
    /// How long a token is taken by a call, in milliseconds: the period, and what one call may travel longer than another.
    fn taken_for(self) -> i64 {
        i64::try_from(self.period.whole_milliseconds()).unwrap_or(i64::MAX / 4) + TRAVEL
    }
}

/// A permit that is not redeemed by then is void.
pub const REDEEMABLE: Duration = Duration::seconds(20);

/// The token is taken before the call reaches the Hub, and later calls may travel faster.
const TRAVEL: i64 = 500;
/// A class that has waited this long without a permit is served out of order.
const LONGEST_UNSERVED: i64 = 180_000;
/// So many failures in a row make the dispatcher ask the Hub itself.
const SUSPICIOUS: u32 = 3;
/// From one question to the next.
const PROBE_EVERY: i64 = 60_000;

/// A permit that was given, and whose token is not free again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit {
    /// For which work: the key of its item.
    pub work: String,
    /// How urgent it was.
    pub class: Class,
    /// When the work had been due.
    pub due_at: i64,
    /// When it was sent.
    pub sent_at: i64,
    /// When its call was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeemed_at: Option<i64>,
}

/// How the Hub is, as far as we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Its calls are worth making.
    Well,
    /// It asked for a pause.
    Paused {
        /// Until then, in milliseconds since 1970.
        until: i64,
    },
    /// Several calls in a row failed, or it is known to be down: only a question of our own is worth asking.
    Doubtful {
        /// When to ask, in milliseconds since 1970.
        probe_at: i64,
    },
}

/// The tokens, and what is known of the Hub.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limiter {
    /// By id.
    #[serde(default)]
    pub permits: BTreeMap<String, Permit>,
    /// When each class last got a permit.
    #[serde(default)]
    given: BTreeMap<Class, i64>,
    /// When a permit was last given out of order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    out_of_order_at: Option<i64>,
    /// The Hub takes no calls until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paused_until: Option<i64>,
    /// Calls that failed in a row.
    #[serde(default)]
    failures: u32,
    /// Since when the breaker is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_since: Option<i64>,
    /// When the Hub was last asked by ourselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probed_at: Option<i64>,
    /// What it answered, if that has not been looked at: whether it is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<bool>,
}

/// A class that gets the next permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextPermit {
    /// Which.
    pub class: Class,
    /// Whether it would not yet be first, and has waited too long.
    pub out_of_order: bool,
}

impl Limiter {
    /// The permits that nobody can redeem any more.
    pub fn void(&self, now: i64) -> Vec<(&String, &Permit)> {
        self.ended(now, |permit| permit.redeemed_at.is_none().then(|| permit.sent_at + redeemable()))
    }

    /// The permits whose calls are so long ago that their tokens are free.
    pub fn spent(&self, limit: CallLimit, now: i64) -> Vec<(&String, &Permit)> {
        self.ended(now, |permit| permit.redeemed_at.map(|at| at + limit.taken_for()))
    }

    fn ended(&self, now: i64, end: impl Fn(&Permit) -> Option<i64>) -> Vec<(&String, &Permit)> {
        self.permits.iter().filter(|(_, permit)| end(permit).is_some_and(|end| end <= now)).collect()
    }

    /// Whether a token is free.
    pub fn has_token(&self, limit: CallLimit) -> bool {
        self.permits.len() < usize::try_from(limit.calls.max(1)).unwrap_or(usize::MAX)
    }

    /// When a permit was last given, to whichever class.
    pub fn last_given(&self) -> Option<i64> {
        self.given.values().copied().max()
    }

    /// Whether calls have failed and none has succeeded since.
    pub fn has_failures(&self) -> bool {
        self.failures > 0
    }

    /// How the Hub is.
    pub fn health(&self, now: i64) -> Health {
        match self.paused_until.filter(|until| *until > now) {
            Some(until) => Health::Paused { until },
            None if self.open_since.is_some() || self.failures >= SUSPICIOUS => {
                Health::Doubtful { probe_at: self.probed_at.map_or(now, |at| at + PROBE_EVERY) }
            }
            None => Health::Well,
        }
    }

    /// The class that gets a free token. `waiting`: the earliest due time of each class that waits.
    pub fn next_permit(&self, limit: CallLimit, waiting: &BTreeMap<Class, i64>, now: i64) -> Option<NextPermit> {
        let first = *waiting.keys().next()?;
        let since = |class: &Class, due_at: i64| due_at.max(self.given.get(class).copied().unwrap_or(i64::MIN));
        let longest = waiting.iter().map(|(class, due_at)| (since(class, *due_at), *class)).min();
        let may = self.out_of_order_at.is_none_or(|at| at + limit.taken_for() <= now);
        match longest {
            Some((since, class)) if may && class != first && now - since >= LONGEST_UNSERVED => {
                Some(NextPermit { class, out_of_order: true })
            }
            _ => Some(NextPermit { class: first, out_of_order: false }),
        }
    }

    /// When something next changes by itself: a token is free, a permit void, a pause over, a question due.
    pub fn next_change(&self, limit: CallLimit, now: i64) -> Option<i64> {
        let end =
            |permit: &Permit| permit.redeemed_at.map_or(permit.sent_at + redeemable(), |at| at + limit.taken_for());
        let health = match self.health(now) {
            Health::Well => None,
            Health::Paused { until } => Some(until),
            Health::Doubtful { probe_at } => Some(probe_at).filter(|_| self.has_token(limit)),
        };
        self.permits.values().map(end).chain(health).min().map(|at| at.max(now))
    }
}

fn redeemable() -> i64 {
    i64::try_from(REDEEMABLE.whole_milliseconds()).unwrap_or(i64::MAX / 4)
}

/// Milliseconds since 1970.
pub fn milliseconds(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX / 4)
}

/// The time of milliseconds since 1970.
pub fn from_milliseconds(milliseconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: CallLimit = CallLimit { calls: 5, period: Duration::seconds(30) };

    /// Somebody who waits for one call.
    #[derive(Debug, Clone, Copy)]
    struct Waiting {
        due_at: i64,
        class: Class,
    }

    /// One call as it was made.
    #[derive(Debug, Clone, Copy)]
    struct Made {
        due_at: i64,
        class: Class,
        given_at: i64,
        arrived_at: i64,
    }

    /// Lets a dispatcher that is always awake serve these. Each message takes one of the delays until its permit is redeemed,
    /// each call one of the others until it arrives, both in milliseconds.
    fn serve(mut waiting: Vec<Waiting>, mut delay: impl FnMut() -> i64, mut travel: impl FnMut() -> i64) -> Vec<Made> {
        let (mut limiter, mut made, mut sent) = (Limiter::default(), Vec::new(), Vec::new());
        let (mut now, mut next_id) = (0, 0u64);
        while !waiting.is_empty() || !sent.is_empty() {
            sent.retain(|(id, at, one): &(String, i64, Waiting)| {
                let Some(permit) = limiter.permits.get_mut(id).filter(|_| *at <= now) else { return *at > now };
                permit.redeemed_at = Some(*at);
                let given_at = permit.sent_at;
                made.push(Made { due_at: one.due_at, class: one.class, given_at, arrived_at: at + travel() });
                false
            });
            let void: Vec<String> = limiter.void(now).into_iter().map(|(id, _)| id.clone()).collect();
            for id in void {
                limiter.permits.remove(&id);
                let place = sent.iter().position(|(sent, ..)| *sent == id).unwrap();
                waiting.push(sent.swap_remove(place).2);
            }
            let over: Vec<String> = limiter.spent(LIMIT, now).into_iter().map(|(id, _)| id.clone()).collect();
            for id in over {
                limiter.permits.remove(&id);
            }
            waiting.sort_by_key(|one| one.due_at);
            while limiter.has_token(LIMIT) {
                let mut heads = BTreeMap::new();
                for one in waiting.iter().filter(|one| one.due_at <= now) {
                    heads.entry(one.class).or_insert(one.due_at);
                }
                let Some(next) = limiter.next_permit(LIMIT, &heads, now) else { break };
                let place = waiting.iter().position(|one| one.class == next.class).unwrap();
                let one = waiting.remove(place);
                let id = next_id.to_string();
                next_id += 1;
                let permit =
                    Permit { work: id.clone(), class: one.class, due_at: one.due_at, sent_at: now, redeemed_at: None };
                limiter.permits.insert(id.clone(), permit);
                limiter.given.insert(next.class, now);
                if next.out_of_order {
                    limiter.out_of_order_at = Some(now);
                }
                sent.push((id, now + delay(), one));
            }
            let next = sent.iter().map(|(_, at, _)| *at).chain(limiter.next_change(LIMIT, now));
            let next = next.chain(waiting.iter().map(|one| one.due_at)).filter(|at| *at > now).min();
            now = next.unwrap_or(now + 1);
        }
        made.sort_by_key(|call| call.arrived_at);
        made
    }

    fn assert_within_limit(made: &[Made]) {
        for six in made.windows(6) {
            assert!(six[5].arrived_at - six[0].arrived_at > 30_000, "{six:?}");
        }
    }

    /// As messages mostly are: up to 400 ms, one in fifty 5 s, one in five hundred 60 s.
    fn usual_delay(dice: &mut u64) -> i64 {
        *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match (*dice >> 33) % 500 {
            0 => 60_000,
            1..=10 => 5_000,
            other => i64::try_from(other % 401).unwrap(),
        }
    }

    #[test]
    fn eight_hundred_calls_use_the_limit_up_and_do_not_pass_it() {
        let waiting = (0..800).map(|n| Waiting { due_at: n, class: Class::Submission }).collect();
        let (mut dice, mut other) = (7, 11);
        let made = serve(waiting, || usual_delay(&mut dice), || usual_delay(&mut other) % 501);
        assert_eq!(made.len(), 800);
        assert_within_limit(&made);
        let (took, bound) = (made[799].arrived_at, (800 / 5 - 1) * 30_000);
        assert!(took * 100 <= bound * 105, "{took} ms, and the limit allows it in {bound}");
    }

    #[test]
    fn a_key_waits_for_those_before_it_and_no_class_waits_for_ever() {
        let mut waiting: Vec<_> = (0..600).map(|n| Waiting { due_at: n, class: Class::Submission }).collect();
        waiting.extend((0..100).map(|n| Waiting { due_at: n, class: Class::ClientAccount }));
        waiting.extend((0..20).map(|n| Waiting { due_at: n * 60_000, class: Class::Key }));
        waiting.push(Waiting { due_at: 0, class: Class::Sweep });
        waiting.push(Waiting { due_at: 0, class: Class::LookUp });
        let made = serve(waiting, || 100, || 0);
        assert_within_limit(&made);
        for call in made.iter().filter(|call| call.class == Class::Key) {
            assert!(call.given_at - call.due_at <= 31_000, "{call:?}");
        }
        for class in [Class::LookUp, Class::ClientAccount, Class::Sweep] {
            let mut given: Vec<i64> =
                made.iter().filter(|call| call.class == class).map(|call| call.given_at).collect();
            given.sort_unstable();
            let waits = std::iter::once(given[0]).chain(given.windows(2).map(|two| two[1] - two[0]));
            let longest = waits.max().unwrap();
            assert!(longest <= 300_000, "{class:?} waited {longest} ms");
        }
    }

    #[test]
    fn a_pause_is_only_a_pause_and_three_failures_are_a_doubt() {
        let mut limiter = Limiter { paused_until: Some(1_000), ..Limiter::default() };
        assert_eq!((limiter.health(999), limiter.health(1_000)), (Health::Paused { until: 1_000 }, Health::Well));
        limiter.failures = 2;
        assert_eq!(limiter.health(2_000), Health::Well);
        limiter.failures = 3;
        assert_eq!(limiter.health(2_000), Health::Doubtful { probe_at: 2_000 });
        limiter.probed_at = Some(2_000);
        assert_eq!(limiter.health(2_500), Health::Doubtful { probe_at: 62_000 });
    }

    proptest! {
        #[test]
        fn no_period_holds_more_calls_than_the_limit(
            arrivals in proptest::collection::vec((0..240_000i64, 0..5usize), 1..80),
            delays in proptest::collection::vec(prop_oneof![6 => 0..400i64, 1 => 400..40_000i64], 1..40),
            travels in proptest::collection::vec(0..500i64, 1..40),
        ) {
            let waiting: Vec<_> = arrivals
                .into_iter()
                .map(|(due_at, class)| Waiting { due_at, class: Class::WITH_PERMIT[class] })
                .collect();
            let count = waiting.len();
            // Messages that come too late come in time the next time.
            let (mut delays, mut travels) = (delays.into_iter().chain(std::iter::repeat(200)), travels.into_iter().cycle());
            let made = serve(waiting, || delays.next().unwrap(), || travels.next().unwrap());
            prop_assert_eq!(made.len(), count);
            assert_within_limit(&made);
        }
    }
}
