//! Where a record is in a list, and the cursor that names the place.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onboarding::OnboardingId;
use onboarding::limiter::milliseconds;
use time::OffsetDateTime;

use super::StoreError;
use super::item::{self, Item, Key, n, s};
use super::list::{Partition, Sort, onboarding_of};

/// DynamoDB refuses a longer sort key, in bytes.
const LONGEST_SK: usize = 1024;

/// A place in a list. The rest of its key in the index follows from the list's partition, so a cursor can name nothing but a
/// place in that list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The record there.
    pub(crate) id: OnboardingId,
    order: Order,
}

/// What else the place in its list depends on.
#[derive(Debug, PartialEq, Eq)]
enum Order {
    /// Nothing: the list is sorted by the id.
    Creation,
    /// Epoch milliseconds, and the `sk` of the item there, which need not be the record itself.
    Status { at: i64, sk: String },
    /// Epoch milliseconds. This list holds records only, as those do that are sorted by the id.
    Change { at: i64 },
}

impl Place {
    /// The place of an item that a list's query has found.
    pub(crate) fn of(item: &Item, partition: &Partition) -> Option<Self> {
        let id = match partition.index {
            Some(_) => onboarding_of(item)?,
            None => item::text(item, "sk")?.parse().ok()?,
        };
        let order = match partition.sort {
            Sort::Id | Sort::Key => Order::Creation,
            Sort::ChangedAt => {
                let sk = item::text(item, "sk").unwrap_or_default();
                if !is_sort_key(sk) {
                    tracing::error!(onboarding_id = %id, "listed item with an unknown sort key left out");
                    return None;
                }
                Order::Status { at: item::number(item, "changed_at")?, sk: sk.to_owned() }
            }
            Sort::UpdatedAfter(_) => Order::Change { at: item::number(item, "updated_ms")? },
        };
        Some(Self { id, order })
    }

    /// Whether it is that of the change at this time in the list by change.
    pub(crate) fn is_of_change_at(&self, time: OffsetDateTime) -> bool {
        self.order == Order::Change { at: milliseconds(time) }
    }

    /// Its key in the list's index.
    pub(crate) fn key(&self, partition: &Partition) -> Item {
        let mut key = match partition.index {
            Some(_) => Key::onboarding(&self.id).attributes(),
            None => Key { pk: partition.value.clone(), sk: self.id.to_string() }.attributes(),
        };
        key.insert(partition.attribute.to_owned(), s(&partition.value));
        match &self.order {
            Order::Creation if partition.sort == Sort::Id => key.extend([("id".to_owned(), s(self.id.as_str()))]),
            Order::Creation => {}
            Order::Status { at, sk } => key.extend([("changed_at".to_owned(), n(*at)), ("sk".to_owned(), s(sk))]),
            Order::Change { at } => key.extend([("updated_ms".to_owned(), n(*at))]),
        }
        key
    }

    /// The cursor from which the list goes on behind this place.
    pub(crate) fn write_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(match &self.order {
            Order::Creation => self.id.to_string(),
            Order::Status { at, sk } => format!("{at}.{}.{sk}", self.id),
            Order::Change { at } => format!("{at}.{}", self.id),
        })
    }

    /// The place that a cursor names in a list that is sorted so.
    pub(crate) fn read_cursor(cursor: &str, sort: Sort) -> Result<Self, StoreError> {
        let read = || {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
            let (id, order) = match sort {
                Sort::Id | Sort::Key => (text.as_str(), Order::Creation),
                Sort::ChangedAt => {
                    let (at, rest) = text.split_once('.')?;
                    let (id, sk) = rest.split_once('.').filter(|(_, sk)| is_sort_key(sk))?;
                    (id, Order::Status { at: at.parse().ok()?, sk: sk.to_owned() })
                }
                Sort::UpdatedAfter(time) => {
                    let (at, id) = text.split_once('.')?;
                    // DynamoDB refuses to begin at a place that the query does not reach.
                    (id, Order::Change { at: at.parse().ok().filter(|at| *at > time)? })
                }
            };
            Some(Self { id: id.parse().ok()?, order })
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
    use super::*;

    const ID: &str = "onb_01890000000070008000000000000000";

    fn place(order: Order) -> Place {
        Place { id: ID.parse().unwrap(), order }
    }

    fn of_status(at: i64, sk: &str) -> Order {
        Order::Status { at, sk: sk.to_owned() }
    }

    #[test]
    fn a_cursor_names_its_place_in_a_list_of_its_kind_only() {
        let by_change = Sort::UpdatedAfter(1_772_442_000_000);
        let sorts = [Sort::Id, Sort::Key, Sort::ChangedAt, by_change];
        for (place, kinds) in [
            (place(Order::Creation), &[Sort::Id, Sort::Key][..]),
            (place(of_status(1_772_442_000_001, "ONB")), &[Sort::ChangedAt]),
            (place(of_status(-1, "A.B#1")), &[Sort::ChangedAt]),
            (place(Order::Change { at: 1_772_442_000_001 }), &[by_change]),
            (place(Order::Change { at: 1_772_442_000_000 }), &[]),
        ] {
            let cursor = place.write_cursor();
            for sort in sorts {
                match Place::read_cursor(&cursor, sort) {
                    Ok(read) => assert!(read == place && kinds.contains(&sort), "{place:?} {sort:?}"),
                    Err(StoreError::InvalidCursor) => assert!(!kinds.contains(&sort), "{place:?} {sort:?}"),
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }

    #[test]
    fn a_cursor_that_is_written_in_another_way_is_refused() {
        let long = "x".repeat(LONGEST_SK + 1);
        let refused = |text: &str, sort| {
            let read = Place::read_cursor(&URL_SAFE_NO_PAD.encode(text), sort);
            assert!(matches!(read, Err(StoreError::InvalidCursor)), "{text} {sort:?}");
        };
        for number in ["01", "+1", "-0", " 1", "1.0", "99999999999999999999", ""] {
            refused(&format!("{number}.{ID}.ONB"), Sort::ChangedAt);
            refused(&format!("{number}.{ID}"), Sort::UpdatedAfter(i64::MIN));
        }
        for text in [
            format!("1. {ID}.ONB"),
            format!("1.{ID}"),
            format!("1.{ID}."),
            format!("1.{ID}.{long}"),
            format!("1.{ID}.ONB\0\0\0"),
            format!("1.{ID}. ONB"),
            format!("1.{ID}.ÖNB"),
            "1.".to_owned(),
        ] {
            refused(&text, Sort::ChangedAt);
        }
        refused(&format!("1. {ID}"), Sort::UpdatedAfter(0));
        refused(&format!(" {ID}"), Sort::Id);
    }
}
