//! The ids of an onboarding, an import and an event. Those of the platforms come from [`exchange`].

use time::{Date, OffsetDateTime};
use uuid::{NoContext, Timestamp, Uuid};

exchange::id!(
    /// One onboarding: `onb_` and a `UUIDv7` without dashes, so that ids sort by the time they were made.
    OnboardingId, "an onboarding id: onb_ and 32 hexadecimal digits",
    |text| text.strip_prefix("onb_").is_some_and(is_hex)
);

/// A UUID without dashes, in small letters.
fn is_hex(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

impl OnboardingId {
    /// A new id for the present moment.
    pub fn generate() -> Self {
        Self(format!("onb_{}", Uuid::now_v7().simple()))
    }
}

exchange::id!(
    /// One import of channels: `imp_` and a `UUIDv7` without dashes.
    ImportId, "an import's id: imp_ and 32 hexadecimal digits",
    |text| text.strip_prefix("imp_").is_some_and(is_hex)
);

impl ImportId {
    /// A new id for the present moment.
    pub fn generate() -> Self {
        Self(format!("imp_{}", Uuid::now_v7().simple()))
    }
}

exchange::id!(
    /// One event that the partner is told: a `UUIDv7`. Events sort by it in the order in which they were written, as far as
    /// the clocks of the functions agree.
    EventId, "an event's id: a UUIDv7, in small letters and with dashes",
    |text| text.parse::<Uuid>().is_ok_and(|id| {
        id.get_version_num() == 7 && id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text
    })
);

impl EventId {
    /// A new id for this moment.
    pub fn generate(now: OffsetDateTime) -> Self {
        let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
        Self(Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.nanosecond())).to_string())
    }

    /// The lowest id of this moment: every id that was made before it is lower.
    pub fn lowest(at: OffsetDateTime) -> Self {
        let milliseconds = u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        Self(uuid::Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid().to_string())
    }

    /// When it was made, to the millisecond.
    pub fn made_at(&self) -> OffsetDateTime {
        let parsed = self.0.parse::<Uuid>().ok().and_then(|id| id.get_timestamp());
        let (seconds, nanoseconds) = parsed.map(|at| at.to_unix()).unwrap_or_default();
        let at = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
        OffsetDateTime::from_unix_timestamp_nanos(at).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The day on which it was made, in UTC.
    pub fn day(&self) -> Date {
        self.made_at().date()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_onboarding_id_has_the_documented_form() {
        let id = OnboardingId::generate();
        assert_eq!(id.as_str().len(), 36);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert!(id <= OnboardingId::generate());
    }

    #[test]
    fn event_ids_tell_when_they_were_made_and_sort_by_it() {
        let at = time::macros::datetime!(2026-11-28 23:59:59.999 UTC);
        let (lowest, id, next) =
            (EventId::lowest(at), EventId::generate(at), EventId::lowest(at + time::Duration::milliseconds(1)));
        assert!(lowest <= id && id < next, "{lowest} {id} {next}");
        assert_eq!((id.made_at(), id.day()), (at, at.date()));
        for id in [lowest, id] {
            assert_eq!(id.as_str().parse(), Ok(id.clone()));
        }
    }

    #[test]
    fn an_event_id_refuses_what_is_none() {
        for text in [
            "",
            "x",
            "0190000000007000800000000000000a",
            "01900000-0000-4000-8000-00000000000a",
            "01900000-0000-7000-8000-00000000000A",
        ] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_onboarding_id_refuses_what_is_none() {
        for text in ["", "onb_", "onb_0190000000007000800000000000000G", "ONB_01900000000070008000000000000000", "../x"]
        {
            assert!(text.parse::<OnboardingId>().is_err(), "{text}");
        }
    }
}
