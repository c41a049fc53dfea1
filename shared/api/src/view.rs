//! What the API shows of an onboarding.

use onboarding::{ClientAccount, Connection, Onboarding, PhoneNumber, Status, Step};
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::{HistoryEntry, Stored};
use url::Url;

use super::Problem;

/// What every onboarding's setup view is made with.
#[derive(Debug, Clone)]
pub struct SignupSettings {
    /// The partner's app at Meta.
    pub app_id: String,
    /// The version of the Graph API, such as `v25.0`.
    pub graph_version: String,
    /// The Facebook Login for Business configuration that opens Embedded Signup.
    pub config_id: String,
    /// The Multi-Partner Solution shared with 360dialog.
    pub solution_id: String,
    /// Further members of `extras` for Meta's popup.
    pub extras: Map<String, Value>,
    /// Which kind of number is connected where the onboarding does not say.
    pub connection: Connection,
    /// Whether the solution goes into the popup where the number stays in the `WhatsApp` Business app.
    pub coexistence_solution_id: bool,
    /// Below which Meta's full-page sign-in is, `/{version}/dialog/oauth`.
    pub dialog_url: Url,
    /// Where clients grant API-key permission.
    pub permission_url: Url,
}

/// What the page needs (setup token). Holds nothing that the customer must not see.
#[derive(Debug, Serialize)]
pub struct SetupView {
    id: String,
    status: Status,
    expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<NamedClient>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    one_more_click: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    launch: Option<Launch>,
    numbers: Vec<ShownNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<PhoneNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permission_url: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<CustomerProblem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
}

/// Whose account the number will be connected to.
#[derive(Debug, Serialize)]
struct NamedClient {
    name: String,
}

/// A number to choose. Where it belongs is told if there is more than one answer.
#[derive(Debug, Serialize)]
struct ShownNumber {
    #[serde(flatten)]
    number: PhoneNumber,
    #[serde(skip_serializing_if = "Option::is_none")]
    waba_name: Option<String>,
}

/// Parameters for `FB.login`.
#[derive(Debug, Serialize)]
struct Launch {
    app_id: String,
    config_id: String,
    graph_version: String,
    solution_id: String,
    extras: Map<String, Value>,
    /// Where the full-page sign-in begins: Meta's OAuth dialog.
    dialog_url: String,
    /// Where it ends. The code can be exchanged only with this very address.
    redirect_uri: String,
}

/// Why an onboarding failed, for the customer: the step, a stable word, and a sentence that names no internals.
#[derive(Debug, Serialize)]
struct CustomerProblem {
    step: Step,
    code: String,
    detail: &'static str,
}

/// The page's view of an onboarding. `public_url` is where customers reach this API; `one_more_click`: see
/// [`is_one_more_click`](super::access::is_one_more_click).
pub fn setup_view(
    onboarding: &Onboarding,
    one_more_click: bool,
    settings: &SignupSettings,
    public_url: &str,
) -> SetupView {
    let status = onboarding.status;
    SetupView {
        id: onboarding.id.to_string(),
        status,
        expires_at: rfc3339(onboarding.link_expires_at),
        client: client_name(&onboarding.client).map(|name| NamedClient { name: name.to_owned() }),
        one_more_click,
        launch: (status == Status::Started).then(|| launch(onboarding, settings, public_url)),
        numbers: shown_numbers(onboarding),
        number: onboarding.number().map(|(_, number)| number.clone()),
        permission_url: (onboarding.status == Status::PermissionRequired)
            .then(|| permission_url(onboarding, settings, public_url)),
        problem: onboarding.problem.as_ref().map(|problem| CustomerProblem {
            step: problem.step,
            code: problem.code.clone(),
            detail: problem.step.spec().failed,
        }),
        return_url: onboarding.return_url.clone(),
        success_url: success_url(onboarding),
        locale: onboarding.locale.clone(),
    }
}

/// The name of the client account; `None` where the partner named the id alone.
fn client_name(client: &ClientAccount) -> Option<&str> {
    match client {
        ClientAccount::Wanted { details, .. } | ClientAccount::Known { details: Some(details), .. } => {
            Some(&details.name)
        }
        ClientAccount::Known { details: None, .. } => None,
    }
}

fn shown_numbers(onboarding: &Onboarding) -> Vec<ShownNumber> {
    let numbers = &onboarding.numbers;
    let several = numbers.iter().any(|offered| offered.waba_id != numbers[0].waba_id);
    let shown = |offered: &onboarding::OfferedNumber| ShownNumber {
        number: offered.number.clone(),
        waba_name: offered.waba_name.clone().filter(|_| several),
    };
    numbers.iter().map(shown).collect()
}

/// Where the page leads once the signup is done: the partner's page, told which onboarding it was and where it stands.
fn success_url(onboarding: &Onboarding) -> Option<String> {
    let is_done = matches!(
        onboarding.status,
        Status::SignedUp | Status::Submitted | Status::Live | Status::PermissionRequired | Status::Ready
    );
    let url = onboarding.success_url.as_deref().filter(|_| is_done)?;
    let query = [
        ("onboarding", onboarding.id.as_str()),
        ("reference", onboarding.reference.as_str()),
        ("status", onboarding.status.as_str()),
    ];
    with_query(url, &query)
}

/// A URL with these parameters at the end of its query.
pub(crate) fn with_query(url: &str, query: &[(&str, &str)]) -> Option<String> {
    let mut url = Url::parse(url).ok()?;
    url.query_pairs_mut().extend_pairs(query);
    Some(url.into())
}

/// What `featureType` says where a number stays in the `WhatsApp` Business app (Meta, Onboarding WhatsApp Business app users).
const COEXISTENCE: &str = "whatsapp_business_app_onboarding";

/// `extras` of `FB.login`: the setting, with `featureType` for the kind of number, and `setup` holding the prefill and the
/// solution (Meta, Multi-Partner Solutions).
fn launch(onboarding: &Onboarding, settings: &SignupSettings, public_url: &str) -> Launch {
    let mut extras = settings.extras.clone();
    let mut setup = match extras.remove("setup") {
        Some(Value::Object(setup)) => setup,
        _ => Map::new(),
    };
    setup.extend(onboarding.prefill.clone());
    let connection = onboarding.connection.unwrap_or(settings.connection);
    match connection {
        Connection::NewNumber => _ = extras.remove("featureType"),
        Connection::BusinessApp => _ = extras.insert("featureType".to_owned(), COEXISTENCE.into()),
        // Meta's window asks, or what the setting says decides.
        Connection::CustomerChooses => {}
    }
    if connection != Connection::BusinessApp || settings.coexistence_solution_id {
        setup.insert("solutionID".to_owned(), settings.solution_id.clone().into());
    }
    extras.insert("setup".to_owned(), setup.into());
    Launch {
        app_id: settings.app_id.clone(),
        config_id: settings.config_id.clone(),
        graph_version: settings.graph_version.clone(),
        solution_id: settings.solution_id.clone(),
        extras,
        dialog_url: format!(
            "{}/{}/dialog/oauth",
            settings.dialog_url.as_str().trim_end_matches('/'),
            settings.graph_version
        ),
        redirect_uri: page_url(public_url),
    }
}

/// The page itself. Meta's full-page sign-in leads back to it, so it is among the app's valid OAuth redirect URIs.
pub fn page_url(public_url: &str) -> String {
    format!("{public_url}/signup")
}

/// Where the client grants API-key permission (360dialog, Integrated Onboarding: query of the permissions page).
fn permission_url(onboarding: &Onboarding, settings: &SignupSettings, public_url: &str) -> Url {
    let mut url = settings.permission_url.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(client_id) = onboarding.client_id() {
            query.append_pair("client_id", client_id.as_str());
        }
        if let Some(number) = onboarding.number().and_then(|(_, number)| number.display_phone_number.as_deref()) {
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            query.append_pair("number", &digits);
        }
        query.append_pair("redirect_url", &format!("{public_url}/signup/return"));
        query.append_pair("state", onboarding.id.as_str());
    }
    url
}

/// The full record for the partner's server, without its history. Never the key, only where it is kept.
///
/// # Errors
/// 500, if the record cannot be written as JSON.
pub fn full_view(stored: &Stored) -> Result<Value, Problem> {
    let mut view = serde_json::to_value(&stored.onboarding).map_err(Problem::internal)?;
    if let Value::Object(members) = &mut view {
        for ours in
            ["setup_token_sha256", "former_links", "work_since", "confirmation", "has_made_channel", "look_up_next_at"]
        {
            members.remove(ours);
        }
        if let Some(Value::Object(webhook)) = members.get_mut("message_webhook") {
            webhook.remove("sealed_headers");
        }
        if let Some(Value::Object(signup)) = members.get_mut("signup") {
            signup.remove("code_sha256");
        }
        let expires_at = members.remove("link_expires_at").unwrap_or_default();
        members.insert("expires_at".to_owned(), expires_at);
        members.insert("version".to_owned(), stored.version.into());
    }
    Ok(view)
}

/// [`full_view`] with the history, oldest first, and when the page was last looked at.
///
/// # Errors
/// As [`full_view`].
pub fn full_view_with_history(
    stored: &Stored,
    history: &[HistoryEntry],
    last_seen_at: Option<time::OffsetDateTime>,
) -> Result<Value, Problem> {
    let mut view = full_view(stored)?;
    let mut history = json!(history);
    for entry in history.as_array_mut().into_iter().flatten() {
        for holder in ["/event", "/event/signup"] {
            if let Some(Value::Object(holder)) = entry.pointer_mut(holder) {
                holder.remove("code_sha256");
                holder.remove("token_sha256");
            }
        }
    }
    if let Value::Object(members) = &mut view {
        members.insert("history".to_owned(), history);
        if let Some(at) = last_seen_at {
            members.insert("last_seen_at".to_owned(), rfc3339(at).into());
        }
    }
    Ok(view)
}

/// A time as the API writes it.
pub fn rfc3339(time: time::OffsetDateTime) -> String {
    time.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
