//! What Meta's webhooks report, and what comes of it.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::accounts::Account;
use super::numeric_ids::make_ids_numbers;
use crate::platforms::Platforms;

/// The partner's and 360dialog's portfolios.
pub(super) const PARTNERS: [&str; 2] = ["733100000000021", "733100000000099"];

/// One change of an entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    account: String,
    #[serde(default)]
    field: Field,
    /// Of an `account_update`.
    event: Option<String>,
    #[serde(default)]
    ids_as_numbers: bool,
    /// Whether the WABA is no longer shared from now on, and its tokens void.
    #[serde(default)]
    unshare: bool,
}

/// The fields of an app, which all come to its one address.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Field {
    #[default]
    AccountUpdate,
    Messages,
    History,
    SmbAppStateSync,
}

impl Field {
    const fn name(self) -> &'static str {
        match self {
            Self::AccountUpdate => "account_update",
            Self::Messages => "messages",
            Self::History => "history",
            Self::SmbAppStateSync => "smb_app_state_sync",
        }
    }
}

impl Change {
    pub(super) fn account_update(account: String, event: String, ids_as_numbers: bool, unshare: bool) -> Self {
        Self { account, field: Field::AccountUpdate, event: Some(event), ids_as_numbers, unshare }
    }

    /// Why this change makes no sense, if it does not.
    pub(super) fn problem(&self) -> Option<String> {
        let wanted = self.field == Field::AccountUpdate;
        (self.event.is_some() != wanted).then(|| "event: an account_update has one, other fields have none".to_owned())
    }

    /// What the ledger calls it.
    pub(super) fn name(&self) -> String {
        [Some(self.field.name()), self.event.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// The WABA below which it is reported; none for what is reported below the partner.
    pub(super) fn waba_id(&self, platforms: &Platforms) -> Option<String> {
        (self.field != Field::AccountUpdate).then(|| platforms.state().account(&self.account).waba_id.clone())
    }

    /// Lets it happen, and says how Meta reports it.
    pub(super) fn play(&self, platforms: &Platforms) -> Value {
        let mut state = platforms.state();
        let event = self.event.as_deref().unwrap_or_default();
        let account = state.account(&self.account);
        account.shared |= matches!(event, "PARTNER_ADDED" | "PARTNER_APP_INSTALLED");
        account.shared &= !self.unshare;
        let account = account.clone();
        if self.unshare {
            state.business_tokens.retain(|_, name| *name != account.name);
        }
        drop(state);
        let value = match self.field {
            Field::AccountUpdate => account_update(platforms, &account, event),
            other => chat(platforms, &account, other),
        };
        let mut change = json!({"field": self.field.name(), "value": value});
        if self.ids_as_numbers {
            make_ids_numbers(&mut change);
        }
        change
    }
}

fn account_update(platforms: &Platforms, account: &Account, event: &str) -> Value {
    let mut info = Map::new();
    info.insert("waba_id".to_owned(), json!(account.waba_id));
    info.insert("owner_business_id".to_owned(), json!(account.business_id));
    if matches!(event, "PARTNER_APP_INSTALLED" | "PARTNER_APP_UNINSTALLED") {
        info.insert("partner_app_id".to_owned(), json!(platforms.settings.app_id));
    }
    // Meta leaves the solution out of what ends it.
    if !matches!(event, "PARTNER_REMOVED" | "PARTNER_APP_UNINSTALLED") {
        info.insert("solution_id".to_owned(), json!(platforms.settings.solution_id));
        info.insert("solution_partner_business_ids".to_owned(), json!(PARTNERS));
    }
    let mut value = json!({"event": event, "waba_info": Value::Object(info)});
    if event == "PARTNER_REMOVED" && account.on_biz_app() {
        value["disconnection_info"] = json!({"reason": "ACCOUNT_DISCONNECTED", "initiated_by": "USER"});
    }
    value
}

/// What people write, or have in their phone: not for us, but it comes.
fn chat(platforms: &Platforms, account: &Account, field: Field) -> Value {
    let number = account.numbers.first();
    let (display, id) = (number.map(|number| &number.display), number.map(|number| &number.id));
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": display, "phone_number_id": id},
    });
    let at = platforms.now().unix_timestamp().to_string();
    let message = json!({
        "from": "4917612345678",
        "id": format!("wamid.{}", platforms.random.text(20)),
        "timestamp": at,
        "type": "text",
        "text": {"body": "Hello"},
    });
    match field {
        Field::Messages => {
            value["contacts"] = json!([{"profile": {"name": "Jonas Beck"}, "wa_id": "4917612345678"}]);
            value["messages"] = json!([message]);
        }
        Field::History => {
            let threads = json!([{"id": "4917612345678", "messages": [message]}]);
            let metadata = json!({"phase": 0, "chunk_order": 1, "progress": 55});
            value["history"] = json!([{"metadata": metadata, "threads": threads}]);
        }
        Field::AccountUpdate | Field::SmbAppStateSync => {
            value["state_sync"] = json!([{
                "type": "contact",
                "contact": {"full_name": "Jonas Beck", "first_name": "Jonas", "phone_number": "4917612345678"},
                "action": "add",
                "metadata": {"timestamp": at},
            }]);
        }
    }
    value
}
