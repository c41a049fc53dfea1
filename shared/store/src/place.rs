//! Where a record is in a list, and the cursor that names the place.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onboarding::OnboardingId;

use super::StoreError;
use super::item::{self, Item, Key, n, s};
use super::list::{ListFilter, onboarding_of};

/// A place in the list of a filter. The rest of its key in the index follows from the filter, so a cursor can name nothing
/// but a place in that list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The record there.
    pub(crate) id: OnboardingId,
    /// In a list by status, the sort key: epoch milliseconds. Other lists are sorted by the id.
    changed_at: Option<i64>,
}

impl Place {
    /// The place of an item of the filter's index.
    pub(crate) fn of(item: &Item, filter: &ListFilter) -> Option<Self> {
        let id = onboarding_of(item)?;
        match filter {
            ListFilter::All | ListFilter::Reference(_) => Some(Self { id, changed_at: None }),
            ListFilter::Status(_) => Some(Self { id, changed_at: Some(item::number(item, "changed_at")?) }),
        }
    }

    /// Its key in the filter's index.
    pub(crate) fn key(&self, filter: &ListFilter) -> Item {
        let (_, attribute, value) = filter.partition();
        let mut key = Key::onboarding(&self.id).attributes();
        key.insert(attribute.to_owned(), s(value));
        match self.changed_at {
            None => key.insert("id".to_owned(), s(self.id.as_str())),
            Some(at) => key.insert("changed_at".to_owned(), n(at)),
        };
        key
    }

    /// The cursor from which the list goes on behind this place.
    pub(crate) fn write_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(match self.changed_at {
            None => self.id.to_string(),
            Some(at) => format!("{at}.{}", self.id),
        })
    }

    /// The place that a cursor names in the filter's list.
    pub(crate) fn read_cursor(cursor: &str, filter: &ListFilter) -> Result<Self, StoreError> {
        let read = || {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
            match filter {
                ListFilter::All | ListFilter::Reference(_) => Some(Self { id: text.parse().ok()?, changed_at: None }),
                ListFilter::Status(_) => {
                    let (at, id) = text.split_once('.')?;
                    Some(Self { id: id.parse().ok()?, changed_at: Some(at.parse().ok()?) })
                }
            }
        };
        // Numbers and ids can be written in more than one way, a cursor only as we write it.
        read().filter(|place| place.write_cursor() == cursor).ok_or(StoreError::InvalidCursor)
    }
}

#[cfg(test)]
mod tests {
    use onboarding::Status;

    use super::*;

    const ID: &str = "onb_01890000000070008000000000000000";
    const FAILED: ListFilter = ListFilter::Status(Status::Failed);

    fn place(changed_at: Option<i64>) -> Place {
        Place { id: ID.parse().unwrap(), changed_at }
    }

    #[test]
    fn a_cursor_names_its_place_in_a_list_of_its_kind_only() {
        for (place, filter, other) in
            [(place(None), ListFilter::All, FAILED), (place(Some(1_772_442_000_000)), FAILED, ListFilter::All)]
        {
            let cursor = place.write_cursor();
            assert_eq!(Place::read_cursor(&cursor, &filter).unwrap(), place);
            assert!(matches!(Place::read_cursor(&cursor, &other), Err(StoreError::InvalidCursor)), "{cursor}");
        }
    }

    #[test]
    fn a_cursor_that_is_written_in_another_way_is_refused() {
        for text in [
            format!("01.{ID}"),
            format!("+1.{ID}"),
            format!("-0.{ID}"),
            format!(" 1.{ID}"),
            format!("1. {ID}"),
            format!("1.{ID}."),
            format!("1.0.{ID}"),
            format!("99999999999999999999.{ID}"),
            format!(".{ID}"),
            "1.".to_owned(),
        ] {
            let cursor = URL_SAFE_NO_PAD.encode(&text);
            assert!(matches!(Place::read_cursor(&cursor, &FAILED), Err(StoreError::InvalidCursor)), "{text}");
        }
        let blank = URL_SAFE_NO_PAD.encode(format!(" {ID}"));
        assert!(matches!(Place::read_cursor(&blank, &ListFilter::All), Err(StoreError::InvalidCursor)));
    }
}
