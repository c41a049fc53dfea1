//! Where a record is in a list, and the cursor that names the place.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onboarding::OnboardingId;

use super::StoreError;
use super::item::{self, Item, Key, n, s};
use super::list::{ListFilter, onboarding_of};

/// DynamoDB refuses a longer sort key, in bytes.
const LONGEST_SK: usize = 1024;

/// A place in the list of a filter. The rest of its key in the index follows from the filter, so a cursor can name nothing
/// but a place in that list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The record there.
    pub(crate) id: OnboardingId,
    /// In a list by status. Other lists are sorted by the id, and hold records only.
    change: Option<Change>,
}

/// What a list by status is sorted by.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    /// Epoch milliseconds.
    at: i64,
    /// The `sk` of the item there, which need not be the record itself.
    sk: String,
}

impl Place {
    /// The place of an item of the filter's index.
    pub(crate) fn of(item: &Item, filter: &ListFilter) -> Option<Self> {
        let id = onboarding_of(item)?;
        match filter {
            ListFilter::All | ListFilter::Reference(_) => Some(Self { id, change: None }),
            ListFilter::Status(_) => {
                let sk = item::text(item, "sk").unwrap_or_default();
                if !is_sort_key(sk) {
                    tracing::error!(onboarding_id = %id, "listed item with an unknown sort key left out");
                    return None;
                }
                Some(Self { id, change: Some(Change { at: item::number(item, "changed_at")?, sk: sk.to_owned() }) })
            }
        }
    }

    /// Its key in the filter's index.
    pub(crate) fn key(&self, filter: &ListFilter) -> Item {
        let (_, attribute, value) = filter.partition();
        let mut key = Key::onboarding(&self.id).attributes();
        key.insert(attribute.to_owned(), s(value));
        match &self.change {
            None => key.extend([("id".to_owned(), s(self.id.as_str()))]),
            Some(Change { at, sk }) => key.extend([("changed_at".to_owned(), n(*at)), ("sk".to_owned(), s(sk))]),
        }
        key
    }

    /// The cursor from which the list goes on behind this place.
    pub(crate) fn write_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(match &self.change {
            None => self.id.to_string(),
            Some(Change { at, sk }) => format!("{at}.{}.{sk}", self.id),
        })
    }

    /// The place that a cursor names in the filter's list.
    pub(crate) fn read_cursor(cursor: &str, filter: &ListFilter) -> Result<Self, StoreError> {
        let read = || {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
            match filter {
                ListFilter::All | ListFilter::Reference(_) => Some(Self { id: text.parse().ok()?, change: None }),
                ListFilter::Status(_) => {
                    let (at, rest) = text.split_once('.')?;
                    let (id, sk) = rest.split_once('.').filter(|(_, sk)| is_sort_key(sk))?;
                    let change = Change { at: at.parse().ok()?, sk: sk.to_owned() };
                    Some(Self { id: id.parse().ok()?, change: Some(change) })
                }
            }
        };
        // A number can be written in more than one way, a cursor only as we write it.
        read().filter(|place| place.write_cursor() == cursor).ok_or(StoreError::InvalidCursor)
    }
}

/// Whether an item of the table can have this sort key: none of ours has blanks or anything beyond ASCII.
fn is_sort_key(sk: &str) -> bool {
    (1..=LONGEST_SK).contains(&sk.len()) && sk.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use onboarding::Status;

    use super::*;

    const ID: &str = "onb_01890000000070008000000000000000";
    const FAILED: ListFilter = ListFilter::Status(Status::Failed);

    fn place(change: Option<(i64, &str)>) -> Place {
        Place { id: ID.parse().unwrap(), change: change.map(|(at, sk)| Change { at, sk: sk.to_owned() }) }
    }

    #[test]
    fn a_cursor_names_its_place_in_a_list_of_its_kind_only() {
        for (place, filter, other) in [
            (place(None), ListFilter::All, FAILED),
            (place(Some((1_772_442_000_000, "ONB"))), FAILED, ListFilter::All),
            (place(Some((-1, "A.B#1"))), FAILED, ListFilter::All),
        ] {
            let cursor = place.write_cursor();
            assert_eq!(Place::read_cursor(&cursor, &filter).unwrap(), place);
            assert!(matches!(Place::read_cursor(&cursor, &other), Err(StoreError::InvalidCursor)), "{cursor}");
        }
    }

    #[test]
    fn a_cursor_that_is_written_in_another_way_is_refused() {
        let long = "x".repeat(LONGEST_SK + 1);
        for text in [
            format!("01.{ID}.ONB"),
            format!("+1.{ID}.ONB"),
            format!("-0.{ID}.ONB"),
            format!(" 1.{ID}.ONB"),
            format!("1. {ID}.ONB"),
            format!("1.0.{ID}.ONB"),
            format!("99999999999999999999.{ID}.ONB"),
            format!(".{ID}.ONB"),
            format!("1.{ID}"),
            format!("1.{ID}."),
            format!("1.{ID}.{long}"),
            format!("1.{ID}.ONB\0\0\0"),
            format!("1.{ID}. ONB"),
            format!("1.{ID}.ÖNB"),
            "1.".to_owned(),
        ] {
            let cursor = URL_SAFE_NO_PAD.encode(&text);
            assert!(matches!(Place::read_cursor(&cursor, &FAILED), Err(StoreError::InvalidCursor)), "{text}");
        }
        let blank = URL_SAFE_NO_PAD.encode(format!(" {ID}"));
        assert!(matches!(Place::read_cursor(&blank, &ListFilter::All), Err(StoreError::InvalidCursor)));
    }
}
