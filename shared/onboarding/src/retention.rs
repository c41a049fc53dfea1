//! How long a record is kept.

use time::{Duration, OffsetDateTime};

use super::record::Onboarding;

/// What is finished in a popup that was opened with a valid link counts for two hours after the link's end.
const AFTER_LINK: Duration = Duration::hours(3);

impl Onboarding {
    /// Whether its record may be deleted: it has ended, nobody has changed it for as long as records are kept, its link is
    /// over, and no key of it is left in the vault.
    pub fn is_past_retention(&self, kept: Duration, now: OffsetDateTime) -> bool {
        self.has_ended()
            && now - self.updated_at >= kept
            && now - self.link_expires_at >= AFTER_LINK
            && !self.may_leave_a_key()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::{at, started};
    use crate::{Event, Status, StoredKey, transition};

    const KEPT: Duration = Duration::days(90);

    /// An onboarding that has been in this status for as long as records are kept.
    fn ended(status: Status) -> (Onboarding, OffsetDateTime) {
        let mut onboarding = started();
        onboarding.status = status;
        (onboarding.updated_at, onboarding.link_expires_at) = (at(1), at(0));
        (onboarding, at(1) + KEPT)
    }

    #[test]
    fn only_a_record_that_has_ended_is_past_retention() {
        for status in Status::ALL {
            let (onboarding, now) = ended(*status);
            let deleted = matches!(status, Status::Failed | Status::Expired | Status::Disconnected | Status::Cancelled);
            assert_eq!(onboarding.is_past_retention(KEPT, now), deleted, "{status:?}");
            assert!(!onboarding.is_past_retention(KEPT, now - Duration::SECOND), "{status:?}");
        }
    }

    #[test]
    fn a_record_whose_link_has_just_ended_is_kept() {
        let (mut onboarding, now) = ended(Status::Failed);
        onboarding.link_expires_at = now - Duration::hours(2);
        assert!(!onboarding.is_past_retention(KEPT, now));
        assert!(onboarding.is_past_retention(KEPT, now + Duration::HOUR));
    }

    #[test]
    fn a_record_that_may_leave_a_key_in_the_vault_is_kept() {
        let address = "https://a.example".to_owned();
        let key = StoredKey { secret_arn: "arn".to_owned(), key_id: None, version: None, address };
        let may_leave: [fn(&mut Onboarding, StoredKey); 3] = [
            |onboarding, key| onboarding.key = Some(key),
            |onboarding, _| onboarding.keys_void_before = Some(at(0)),
            |onboarding, _| onboarding.former_channels.push("Rb82LdCH".parse().unwrap()),
        ];
        for change in may_leave {
            let (mut onboarding, now) = ended(Status::Disconnected);
            assert!(onboarding.is_past_retention(KEPT, now));
            change(&mut onboarding, key.clone());
            assert!(!onboarding.is_past_retention(KEPT, now), "{onboarding:?}");
        }
    }

    /// The worker that makes the key may have died after it had stored it, or may store it only now.
    #[test]
    fn a_record_whose_channel_ended_while_its_key_was_made_is_kept() {
        let (mut live, now) = ended(Status::Live);
        live.channel_id = Some("Rb82LdCH".parse().unwrap());
        let event = Event::ChannelEnded { channel_id: "Rb82LdCH".parse().unwrap() };
        let died = transition(&live, &event, at(1)).unwrap().unwrap();
        assert_eq!(died.status, Status::Disconnected);
        assert!(!died.is_past_retention(KEPT, now), "{died:?}");

        live.status = Status::PermissionRequired;
        let ended = transition(&live, &event, at(1)).unwrap().unwrap();
        assert!(ended.is_past_retention(KEPT, now), "{ended:?}");
        let address = "https://a.example".to_owned();
        let key = StoredKey { secret_arn: "arn".to_owned(), key_id: None, version: None, address };
        let late =
            transition(&ended, &Event::KeyStored { channel_id: "Rb82LdCH".parse().unwrap(), key: key.clone() }, at(1))
                .unwrap()
                .unwrap();
        assert_eq!((late.status, &late.key), (Status::Disconnected, &Some(key)));
        assert!(!late.is_past_retention(KEPT, now), "{late:?}");
    }
}
