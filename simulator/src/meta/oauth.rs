//! Codes and tokens: exchange, inspection, recovery.

use serde_json::{Map, Value, json};
use time::Duration;

use super::accounts::{Account, Kind};
use super::graph::{Caller, GraphError};
use crate::payload::text;
use crate::platforms::Platforms;
use crate::random::digits;
use crate::state::State;

/// How long a code can be exchanged.
const CODE_LIFE: Duration = Duration::seconds(30);

/// `/oauth/access_token`: a code for a business token. Only a call that gets a token uses the code up.
pub(super) fn exchange(platforms: &Platforms, fields: &Map<String, Value>) -> Result<Value, GraphError> {
    if text(fields, "client_id") != Some(&platforms.settings.app_id) {
        return Err(GraphError::new(101, None, "Error validating application. Invalid application ID."));
    }
    if text(fields, "client_secret") != Some(&platforms.settings.app_secret) {
        return Err(GraphError::new(1, None, "Error validating client secret."));
    }
    let code = text(fields, "code").ok_or_else(|| GraphError::new(100, None, "Missing authorization code"))?;
    let mut state = platforms.state();
    let invalid = || GraphError::new(100, None, "Invalid verification code format.");
    let record = state.codes.get_mut(code).ok_or_else(invalid)?;
    if record.exchanged_at.is_some() {
        return Err(GraphError::new(100, Some(36009), "This authorization code has been used."));
    }
    if record.issued_at + CODE_LIFE <= platforms.now() {
        return Err(GraphError::new(100, Some(36007), "This authorization code has expired."));
    }
    if text(fields, "redirect_uri") != record.redirect_uri.as_deref() {
        let message = "Error validating verification code. Please make sure your redirect_uri is identical to the one \
                       you used in the OAuth dialog request";
        return Err(GraphError::new(100, Some(36008), message));
    }
    record.exchanged_at = Some(platforms.now());
    let account = record.account.clone();
    Ok(json!({"access_token": token_for(platforms, &mut state, account), "token_type": "bearer"}))
}

fn token_for(platforms: &Platforms, state: &mut State, account: String) -> String {
    let token = format!("EAA{}", platforms.random.text(90));
    state.business_tokens.insert(token.clone(), account);
    token
}

/// The id of our system user in the customer's portfolio.
pub(super) fn system_user_id(account: &Account) -> String {
    format!("1221{}", digits(&format!("user of {}", account.name), 14))
}

/// `/debug_token?input_token=`.
pub(super) fn debug_token(
    platforms: &Platforms,
    caller: &Caller,
    fields: &Map<String, Value>,
) -> Result<Value, GraphError> {
    if let Caller::Business(_) = caller {
        let message = "(#200) You must provide an app access token, or a user access token of an owner of the app";
        return Err(GraphError::new(200, None, message));
    }
    let input = text(fields, "input_token")
        .ok_or_else(|| GraphError::new(100, None, "(#100) The parameter input_token is required"))?;
    let state = platforms.state();
    let Some(account) = state.business_tokens.get(input).and_then(|name| state.accounts.get(name)) else {
        let error = json!({"code": 190, "message": "Invalid OAuth access token."});
        return Ok(json!({"data": {"error": error, "is_valid": false, "scopes": []}}));
    };
    let scopes = match account.kind {
        Kind::ChangedScopes => ["whatsapp_business_manage_events", "whatsapp_business_messaging"],
        _ => ["whatsapp_business_management", "whatsapp_business_messaging"],
    };
    // Meta names the WABAs in no fixed order.
    let mut targets: Vec<String> = account.by_waba().into_iter().map(|account| account.waba_id).collect();
    let asked = state.ledger.calls.iter().filter(|call| call.route == "debug_token").count();
    let turn = (asked + 1) % targets.len().max(1);
    targets.rotate_left(turn);
    if account.kind == Kind::EmptyTargets {
        targets.clear();
    }
    let granular = scopes.map(|scope| match account.kind {
        Kind::UnnarrowedScopes => json!({"scope": scope}),
        _ => json!({"scope": scope, "target_ids": targets}),
    });
    Ok(json!({"data": {
        "app_id": platforms.settings.app_id,
        "type": "SYSTEM_USER",
        "application": "Funkturm CRM",
        "is_valid": true,
        "expires_at": 0,
        "scopes": [scopes[0], scopes[1], "public_profile"],
        "granular_scopes": granular,
        "user_id": system_user_id(account),
    }}))
}

/// `POST /{business}/system_user_access_tokens` with `fetch_only=true`: the token whose code was lost.
pub(super) fn recover(
    platforms: &Platforms,
    caller: &Caller,
    business: &str,
    fields: &Map<String, Value>,
) -> Result<Value, GraphError> {
    if !matches!(caller, Caller::SystemUser) {
        return Err(GraphError::new(200, None, "(#200) Permissions error"));
    }
    if !fields.contains_key("appsecret_proof") {
        return Err(GraphError::new(104, None, "API calls from the server require an appsecret_proof argument"));
    }
    let fetch_only = fields.get("fetch_only").is_some_and(|value| *value == json!(true) || *value == json!("true"));
    if !fetch_only {
        return Err(GraphError::new(100, None, "(#100) Only fetch_only=true is known here"));
    }
    let mut state = platforms.state();
    let account = state.accounts.values().find(|account| account.business_id == business && account.shared);
    let name = account.map(|account| account.name.clone());
    let name = name.ok_or_else(|| GraphError::new(3962, None, "(#3962) The system user has no token to fetch"))?;
    Ok(json!({"access_token": token_for(platforms, &mut state, name)}))
}
