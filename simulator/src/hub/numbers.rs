//! `POST …/account_sharing/numbers`: handing a number over.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::{HubError, clients, fields, optional_text, required_text};
use crate::due::What;
use crate::faults;
use crate::meta::accounts::{Account, Number};
use crate::platforms::{App, Platforms};
use crate::settings::NumberTaken;
use crate::state::{self, Channel, Progress, Submission};
use crate::webhooks::{self, Delivery};

/// Accepts a number and starts it on its way to live. The same number again: the same answer, nothing new.
pub(super) async fn submit(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, HubError> {
    let fields = fields(&headers, &body)?;
    let early = accept(&app, &mut app.state(), &fields)?;
    for delivery in early {
        webhooks::deliver(&app, delivery).await;
    }
    Ok(Json(answer(&fields)))
}

/// What was sent, and a message.
fn answer(fields: &Map<String, Value>) -> Value {
    let names = ["solution_id", "waba_external_id", "waba_business_id", "client_id", "tier", "channel_external_id"];
    let mut answer: Map<String, Value> =
        names.iter().filter_map(|&name| Some((name.to_owned(), fields.get(name)?.clone()))).collect();
    answer.insert("message".to_owned(), json!("Success. Please wait, your number is onboarding."));
    Value::Object(answer)
}

/// Checks and takes the number. Returns the webhooks to deliver before answering.
fn accept(
    platforms: &Platforms,
    state: &mut state::State,
    fields: &Map<String, Value>,
) -> Result<Vec<Delivery>, HubError> {
    let solution_id = required_text(fields, "solution_id")?;
    let waba_id = required_text(fields, "waba_external_id")?;
    let given = |name| optional_text(fields, name).map(|text| text.filter(|text| !text.is_empty()));
    let (client_id, business_id) = (given("client_id")?, given("waba_business_id")?);
    let (number_id, tier) = (given("channel_external_id")?, given("tier")?);
    if client_id.is_none() && business_id.is_none() {
        return Err(HubError::wrong_payload("One of waba_business_id or client_id must be specified"));
    }
    if tier.as_deref().is_some_and(|tier| !matches!(tier, "basic" | "regular" | "premium")) {
        return Err(HubError::wrong_payload("tier: Must be one of: basic, regular, premium."));
    }
    if solution_id != platforms.settings.solution_id {
        return Err(HubError::not_found(&["solution_id: Not found."]));
    }
    let account = state.accounts.values().flat_map(Account::by_waba).find(|account| account.waba_id == waba_id);
    let account = account.ok_or_else(|| HubError::not_found(&["waba_external_id: Not found."]))?;
    if !account.shared || !matches!(state.behavior.solution_status.as_str(), "ACTIVE" | "PENDING_DEACTIVATION") {
        let mut error = HubError::new(StatusCode::BAD_REQUEST, "Number could not be onboarded", &[]);
        error.real_message = Some("(#100) The WABA is not shared with this solution");
        return Err(error);
    }
    if business_id.is_some_and(|business_id| business_id != account.business_id) {
        return Err(HubError::wrong_payload("waba_business_id: Does not own this WABA."));
    }
    let numbers: Vec<Number> =
        account.numbers.iter().filter(|number| number_id.as_ref().is_none_or(|id| *id == number.id)).cloned().collect();
    if numbers.is_empty() && number_id.is_some() {
        return Err(HubError::not_found(&["channel_external_id: Not found."]));
    }
    let client_id = find_client(platforms, state, client_id, &account)?;
    let open = |number: &Number| open_channels(state, &number.id).any(|channel| channel.client_id == client_id);
    let others = |number: &Number| open_channels(state, &number.id).any(|channel| channel.client_id != client_id);
    if numbers.iter().any(|number| others(number) && !open(number)) {
        match state.behavior.number_taken {
            NumberTaken::Conflict => return Err(HubError::new(StatusCode::CONFLICT, "Conflict", &[])),
            NumberTaken::Refused => {
                return Err(HubError::wrong_payload("channel_external_id: Already connected to another client."));
            }
            NumberTaken::SecondChannel => {}
        }
    }

    let (channels, early) = start(platforms, state, &client_id, &account, &numbers);
    state.numbers.push(Submission {
        solution_id,
        client_id,
        waba_external_id: waba_id,
        channel_external_id: number_id,
        tier,
        channel_ids: channels,
        at: platforms.now(),
    });
    Ok(early)
}

/// The channels that hold a number.
fn open_channels<'a>(state: &'a state::State, number_id: &str) -> impl Iterator<Item = &'a Channel> {
    state.channels.iter().filter(move |channel| channel.external_id == number_id && channel.is_open())
}

/// The client named, or the one that has a channel of this business, or a new one for it.
fn find_client(
    platforms: &Platforms,
    state: &mut state::State,
    named: Option<String>,
    account: &Account,
) -> Result<String, HubError> {
    if let Some(id) = named {
        return state.client(&id).map(|_| id.clone()).ok_or_else(|| HubError::not_found(&["client_id: Not found."]));
    }
    if let Some(channel) = state.channels.iter().find(|channel| channel.business_id == account.business_id) {
        return Ok(channel.client_id.clone());
    }
    let client = clients::new(platforms, account.business_name.clone(), None, None);
    state.clients.push(client.clone());
    webhooks::emit_client(platforms, state, &client);
    Ok(client.id)
}

/// Makes channels for those numbers for which the client has none. Returns their ids, and the webhooks to deliver before answering.
fn start(
    platforms: &Platforms,
    state: &mut state::State,
    client_id: &str,
    account: &Account,
    numbers: &[Number],
) -> (Vec<String>, Vec<Delivery>) {
    let now = platforms.now();
    let live_after = Duration::milliseconds(state.behavior.live_after_ms.into());
    let (mut ids, mut early) = (Vec::new(), Vec::new());
    for number in numbers {
        if open_channels(state, &number.id).any(|channel| channel.client_id == client_id) {
            continue;
        }
        let mut channel = new_channel(platforms, client_id, account, number, now);
        let fault = faults::take_early(state);
        if let Some(fault) = &fault {
            channel.reach(Progress::Live, now);
            let (before, later) = webhooks::early_live(platforms, state, &channel, fault);
            early.extend(before);
            for delivery in later {
                platforms.schedule(state, now + live_after, What::Deliver(Box::new(delivery)));
            }
        }
        for (part, progress) in (1..).zip(Progress::ALL) {
            let quiet = fault.is_some() && progress == Progress::Live;
            let what = What::Progress { channel_id: channel.id.clone(), progress, quiet };
            platforms.schedule(state, now + live_after * part / 5, what);
        }
        ids.push(channel.id.clone());
        state.channels.push(channel);
    }
    (ids, early)
}

/// A channel at its first stage that is not in the state yet.
pub(crate) fn new_channel(
    platforms: &Platforms,
    client_id: &str,
    account: &Account,
    number: &Number,
    created_at: OffsetDateTime,
) -> Channel {
    Channel {
        id: format!("{}CH", platforms.random.text(6)),
        client_id: client_id.to_owned(),
        waba_external_id: account.waba_id.clone(),
        business_id: account.business_id.clone(),
        business_name: account.business_name.clone(),
        external_id: number.id.clone(),
        phone_number: number.display.chars().filter(char::is_ascii_digit).collect(),
        phone_name: number.verified_name.clone(),
        on_biz_app: account.on_biz_app(),
        permission: false,
        progress: Progress::Created,
        created_at,
        modified_at: created_at,
        live_at: None,
        terminated_at: None,
        ended: None,
    }
}
