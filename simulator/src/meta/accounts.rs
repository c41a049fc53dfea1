//! Made-up customers of Meta. Their ids follow from their names.

use serde::{Deserialize, Serialize};

use crate::random::digits;

/// What is special about a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// One WABA with one number.
    OneNumber,
    /// One WABA with three numbers; Embedded Signup names none of them.
    SeveralNumbers,
    /// A WABA without a number.
    NoNumber,
    /// A number that stays in the WhatsApp Business app; Embedded Signup names only the WABA.
    Coexistence,
    /// The popup's session claims the WABA of `one_number`, which the token does not cover.
    OtherCustomer,
    /// The popup's session claims the number of `one_number` beside its own WABA.
    OtherNumber,
    /// The token lacks `whatsapp_business_management`, as seen since June 2026.
    ChangedScopes,
    /// The token's scopes name no assets.
    UnnarrowedScopes,
    /// The token's scopes name assets, but none.
    EmptyTargets,
    /// The token lists two more WABAs, which the portfolio shared earlier. The session names the newest.
    SeveralWabas,
    /// The same, and the session names none of them alone.
    SeveralWabasUnnamed,
    /// The number and the portfolio of `one_number`, under another WABA: Meta's account model since 2026.
    SameNumber,
}

/// The names that stand for a kind. A `:` and anything may follow.
const KINDS: [(&str, Kind); 12] = [
    ("one_number", Kind::OneNumber),
    ("several_numbers", Kind::SeveralNumbers),
    ("no_number", Kind::NoNumber),
    ("coexistence", Kind::Coexistence),
    ("other_customer", Kind::OtherCustomer),
    ("other_number", Kind::OtherNumber),
    ("changed_scopes", Kind::ChangedScopes),
    ("unnarrowed_scopes", Kind::UnnarrowedScopes),
    ("empty_targets", Kind::EmptyTargets),
    ("several_wabas", Kind::SeveralWabas),
    ("several_wabas_unnamed", Kind::SeveralWabasUnnamed),
    ("same_number", Kind::SameNumber),
];

/// A customer of Meta.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) business_id: String,
    pub(crate) business_name: String,
    pub(crate) waba_id: String,
    pub(crate) numbers: Vec<Number>,
    /// WABAs shared before this one.
    pub(crate) earlier: Vec<Waba>,
    /// Embedded Signup was finished: the WABA is shared with the solution.
    pub(crate) shared: bool,
}

/// A further WABA of a customer.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Waba {
    id: String,
    numbers: Vec<Number>,
}

/// A phone number of a WABA.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Number {
    pub(crate) id: String,
    /// As Meta displays it, such as `+49 30 23125123`.
    pub(crate) display: String,
    pub(crate) verified_name: String,
}

impl Account {
    /// The account that this name stands for; an unknown name is a one-number account of its own.
    pub(crate) fn named(name: &str) -> Self {
        let base = name.split(':').next().unwrap_or(name);
        let kind = KINDS.iter().find(|(known, _)| *known == base).map_or(Kind::OneNumber, |(_, kind)| *kind);
        let count = match kind {
            Kind::NoNumber => 0,
            Kind::SeveralNumbers => 3,
            _ => 1,
        };
        let namesake = format!("one_number{}", suffix(name));
        let owner = if kind == Kind::SameNumber { namesake.as_str() } else { name };
        let number = |index: u32| Number {
            id: format!("51{}", digits(&format!("number {index} of {owner}"), 13)),
            // Berlin's block of numbers that are kept free for fiction.
            display: format!("+49 30 23125{}", digits(&format!("display {index} of {owner}"), 3)),
            verified_name: format!("Nordlicht {}", owner.replace(['_', ':'], " ")),
        };
        let several = matches!(kind, Kind::SeveralWabas | Kind::SeveralWabasUnnamed);
        let earlier = |index: u32| Waba {
            id: format!("40{}", digits(&format!("waba {index} of {name}"), 13)),
            numbers: vec![number(index)],
        };
        Self {
            name: name.to_owned(),
            kind,
            business_id: format!("68{}", digits(&format!("business of {owner}"), 13)),
            business_name: format!("Nordlicht {} GmbH", owner.replace(['_', ':'], " ")),
            waba_id: format!("40{}", digits(&format!("waba of {name}"), 13)),
            numbers: (0..count).map(number).collect(),
            earlier: (1..3).filter(|_| several).map(earlier).collect(),
            shared: false,
        }
    }

    /// The name of the account whose ids the popup's session claims.
    pub(crate) fn victim(&self) -> Option<String> {
        matches!(self.kind, Kind::OtherCustomer | Kind::OtherNumber)
            .then(|| format!("one_number{}", suffix(&self.name)))
    }

    /// The customer once for each WABA that it shared, the newest first.
    pub(crate) fn by_waba(&self) -> Vec<Self> {
        let earlier = self.earlier.iter().map(|waba| {
            let (waba_id, numbers) = (waba.id.clone(), waba.numbers.clone());
            Self { waba_id, numbers, ..self.clone() }
        });
        std::iter::once(self.clone()).chain(earlier).collect()
    }

    pub(crate) fn on_biz_app(&self) -> bool {
        self.kind == Kind::Coexistence
    }
}

/// What follows the kind in an account's name, such as `:7`.
fn suffix(name: &str) -> &str {
    name.find(':').map_or("", |at| &name[at..])
}
