//! A customer goes through Embedded Signup: what the browser gets of it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::accounts::{Account, Kind};
use super::numeric_ids::make_ids_numbers;
use crate::ledger;
use crate::platforms::Platforms;
use crate::state::{Code, State};

/// What a customer does. Body of `POST /simulator/popup`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    /// Who; a fresh one-number account if not given.
    account: Option<String>,
    #[serde(default)]
    outcome: Ending,
    /// The code that is handed out; a new one if not given.
    code: Option<String>,
    /// Given for the full-page sign-in: the code can then be exchanged only with the same one.
    redirect_uri: Option<String>,
    /// Whether the session's ids are JSON numbers.
    #[serde(default)]
    ids_as_numbers: bool,
}

/// How it ends.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ending {
    /// As this account ends naturally.
    #[default]
    Finish,
    FinishOnlyWaba,
    FinishCoexistence,
    /// The customer leaves.
    Cancel,
    /// An error ends it.
    Error,
    /// The customer reports an error and leaves.
    ReportError,
    /// Finished, but `FB.login` returns no code.
    FinishWithoutCode,
    /// Finished, but the message event never comes.
    FinishWithoutSession,
    /// Finished, but neither code nor message event comes.
    FinishUnseen,
    /// The customer grants API access only.
    AppOnly,
}

/// What the browser gets: `code` from `FB.login`, `session` (`{event, data}`) from the message event.
#[derive(Serialize)]
pub(crate) struct Outcome {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Value>,
}

/// Plays the order.
pub(crate) fn play(platforms: &Platforms, order: Order) -> Outcome {
    let outcome = order.outcome;
    let mut state = platforms.state();
    let name = order.account.filter(|name| !name.is_empty()).unwrap_or_else(|| {
        state.fresh_accounts += 1;
        format!("fresh:{}", state.fresh_accounts)
    });
    let finished = !matches!(outcome, Ending::Cancel | Ending::Error | Ending::ReportError);
    let account = state.account(&name);
    account.shared |= finished;
    let account = account.clone();
    let claimed = claimed(&mut state, &account);
    let unseen = outcome == Ending::FinishUnseen;
    let code = (finished && !unseen && outcome != Ending::FinishWithoutCode).then(|| {
        let code = order.code.unwrap_or_else(|| format!("AQ{}", platforms.random.text(80)));
        let issued = Code {
            account: name.clone(),
            redirect_uri: order.redirect_uri,
            issued_at: platforms.now(),
            exchanged_at: None,
        };
        state.codes.insert(code.clone(), issued);
        code
    });
    let ending = serde_json::to_value(outcome).ok();
    state.ledger.popups.push(ledger::Popup {
        account: name,
        outcome: ending.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
        at: platforms.now(),
    });
    let heard = !unseen && outcome != Ending::FinishWithoutSession;
    let mut session = heard.then(|| session(platforms, &account, claimed, outcome));
    if let Some(session) = session.as_mut().filter(|_| order.ids_as_numbers) {
        make_ids_numbers(session);
    }
    Outcome { code, session }
}

/// The ids that the session names, which need not be the account's own.
fn claimed(state: &mut State, account: &Account) -> Map<String, Value> {
    let mut waba_id = account.waba_id.clone();
    let mut business_id = account.business_id.clone();
    let mut number = account.numbers.first().map(|number| number.id.clone());
    if let Some(victim) = account.victim() {
        let victim = state.account(&victim);
        number = victim.numbers.first().map(|number| number.id.clone());
        if account.kind == Kind::OtherCustomer {
            waba_id.clone_from(&victim.waba_id);
            business_id.clone_from(&victim.business_id);
        }
    }
    let mut ids = Map::new();
    if account.kind == Kind::SeveralWabasUnnamed {
        ids.insert("waba_ids".to_owned(), account.by_waba().into_iter().map(|account| account.waba_id).collect());
        ids.insert("business_id".to_owned(), json!(business_id));
        return ids;
    }
    if account.kind != Kind::SeveralNumbers
        && let Some(number) = number
    {
        ids.insert("phone_number_id".to_owned(), json!(number));
    }
    ids.insert("waba_id".to_owned(), json!(waba_id));
    ids.insert("business_id".to_owned(), json!(business_id));
    ids
}

fn session(platforms: &Platforms, account: &Account, ids: Map<String, Value>, outcome: Ending) -> Value {
    let waba = json!({"waba_id": ids.get("waba_id")});
    let (event, data) = match (outcome, account.kind) {
        (Ending::Cancel, _) => ("CANCEL", json!({"current_step": "PHONE_NUMBER_SETUP"})),
        (Ending::Error, _) => (
            "ERROR",
            json!({"error_message": "Something went wrong", "error_code": "524999", "session_id": platforms.random.text(15)}),
        ),
        (Ending::ReportError, _) => (
            "CANCEL",
            json!({
                "error_message": "Your verified name violates WhatsApp guidelines. Please edit your verified name and \
                                  try again.",
                "error_code": "524126",
                "session_id": platforms.random.text(15),
                "timestamp": platforms.now().unix_timestamp().to_string(),
            }),
        ),
        (Ending::AppOnly, _) => ("FINISH_GRANT_ONLY_API_ACCESS", Value::Object(ids)),
        (Ending::FinishOnlyWaba, _) | (_, Kind::NoNumber) => ("FINISH_ONLY_WABA", waba),
        (Ending::FinishCoexistence, _) | (_, Kind::Coexistence) => ("FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING", waba),
        _ => ("FINISH", Value::Object(ids)),
    };
    json!({"event": event, "data": data})
}
