//! The fake Graph API, below `/graph` and any version.

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::accounts::Account;
use super::oauth;
use crate::layers;
use crate::lists::{self, List};
use crate::payload;
use crate::platforms::{App, Platforms};
use crate::routes::without_version;
use crate::webhooks::hmac_hex;

/// The Graph API's routes.
pub(crate) fn router(app: &App) -> Router<App> {
    Router::new().fallback(dispatch).layer(from_fn_with_state(app.clone(), layers::fault))
}

/// An error as the Graph API puts it.
pub(super) struct GraphError {
    status: StatusCode,
    code: u32,
    subcode: Option<u32>,
    message: String,
}

impl GraphError {
    pub(super) fn new(code: u32, subcode: Option<u32>, message: &str) -> Self {
        let status = if code == 190 { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        Self { status, code, subcode, message: message.to_owned() }
    }

    fn unsupported(id: &str) -> Self {
        let message = format!(
            "Unsupported get request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
             permissions, or does not support this operation."
        );
        Self::new(100, Some(33), &message)
    }
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        let mut error = Map::new();
        error.insert("message".to_owned(), json!(self.message));
        error.insert("type".to_owned(), json!("OAuthException"));
        error.insert("code".to_owned(), json!(self.code));
        if let Some(subcode) = self.subcode {
            error.insert("error_subcode".to_owned(), json!(subcode));
        }
        error.insert("fbtrace_id".to_owned(), json!("AmadeUpTrace"));
        (self.status, Json(json!({"error": error}))).into_response()
    }
}

/// Whose token came with a call.
pub(super) enum Caller {
    /// `APP_ID|APP_SECRET`.
    App,
    /// The partner's own system user.
    SystemUser,
    /// A business token, and the account whose assets it covers.
    Business(Box<Account>),
}

async fn dispatch(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 * 1024).await.unwrap_or_default();
    let fields = parameters(parts.uri.query().unwrap_or_default(), &parts.headers, &body);
    let path = without_version(parts.uri.path()).trim_matches('/').to_owned();
    let segments: Vec<&str> = path.split('/').collect();
    let answer = match (&parts.method, segments.as_slice()) {
        (&Method::GET | &Method::POST, ["oauth", "access_token"]) => oauth::exchange(&app, &fields),
        (method, segments) => known_caller(&app, &parts.headers, &fields).and_then(|caller| match (method, segments) {
            (&Method::GET, ["debug_token"]) => oauth::debug_token(&app, &caller, &fields),
            (&Method::POST, [business, "system_user_access_tokens"]) => {
                oauth::recover(&app, &caller, business, &fields)
            }
            (&Method::GET, ["me"]) => me(&caller, &fields),
            (&Method::GET, [id]) if *id == app.settings.solution_id => solution(&app, &fields),
            (&Method::GET, [id]) => waba(&caller, id, &fields),
            (&Method::GET, [id, "phone_numbers"]) => phone_numbers(&app, &caller, id, &fields),
            _ => Err(GraphError::new(2500, None, "Unknown path components")),
        }),
    };
    let mut response = answer.map(Json).into_response();
    let calls = app.state().ledger.calls.iter().filter(|call| call.service == "graph").count().min(99);
    let usage = json!({"call_count": calls, "total_cputime": calls / 2, "total_time": calls / 2}).to_string();
    if let Ok(usage) = HeaderValue::from_str(&usage) {
        response.headers_mut().insert("x-app-usage", usage);
    }
    response
}

/// Query and body together: the Graph API takes parameters from both.
fn parameters(query: &str, headers: &HeaderMap, body: &Bytes) -> Map<String, Value> {
    let mut fields = payload::fields(headers, body).unwrap_or_default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        fields.insert(name.into_owned(), Value::String(value.into_owned()));
    }
    fields
}

/// Finds out whose token it is, and checks `appsecret_proof` if one was sent.
fn known_caller(platforms: &Platforms, headers: &HeaderMap, fields: &Map<String, Value>) -> Result<Caller, GraphError> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token =
        bearer.and_then(|value| value.strip_prefix("Bearer ")).or_else(|| payload::text(fields, "access_token"));
    let token =
        token.ok_or_else(|| GraphError::new(190, None, "An access token is required to request this resource."))?;
    let settings = &platforms.settings;
    let state = platforms.state();
    let caller = if token == format!("{}|{}", settings.app_id, settings.app_secret) {
        Caller::App
    } else if token == settings.system_user_token {
        Caller::SystemUser
    } else {
        let account = state.business_tokens.get(token).and_then(|name| state.accounts.get(name));
        let account = account
            .ok_or_else(|| GraphError::new(190, None, "Invalid OAuth access token - Cannot parse access token"))?;
        Caller::Business(Box::new(account.clone()))
    };
    if let Some(proof) = payload::text(fields, "appsecret_proof")
        && !valid_proof(platforms, token, proof, payload::text(fields, "appsecret_time"))
    {
        return Err(GraphError::new(104, None, "Invalid appsecret_proof provided in the API argument"));
    }
    Ok(caller)
}

/// The plain proof, or the one with a time that is at most 5 minutes off.
fn valid_proof(platforms: &Platforms, token: &str, proof: &str, at: Option<&str>) -> bool {
    let Some(at) = at else { return proof == hmac_hex(&platforms.settings.app_secret, token.as_bytes()) };
    let time = at.parse().ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let message = format!("{token}|{at}");
    time.is_some_and(|time| (platforms.now() - time).abs() <= Duration::minutes(5))
        && proof == hmac_hex(&platforms.settings.app_secret, message.as_bytes())
}

/// The fields asked for, or `default`, out of all that the object has, and always its id. One unknown field fails all.
fn select(all: &Value, fields: &Map<String, Value>, default: &str, node: &str) -> Result<Value, GraphError> {
    let wanted = payload::text(fields, "fields").unwrap_or(default);
    let mut selected = Map::new();
    // `partners{partner_app}` asks for `partners`: what stands in braces is not looked at.
    let mut depth = 0;
    let flat: String = wanted
        .chars()
        .filter(|&c| {
            depth += i32::from(c == '{');
            let outside = depth == 0;
            depth -= i32::from(c == '}');
            outside
        })
        .collect();
    for name in flat.split(',').map(str::trim).chain(["id"]).filter(|name| !name.is_empty()) {
        if name == "primary_funding_id" {
            return Err(GraphError::new(10, None, "(#10) Application does not have permission for this action"));
        }
        let value = all.get(name).ok_or_else(|| {
            GraphError::new(
                100,
                None,
                &format!("(#100) Tried accessing nonexisting field ({name}) on node type ({node})"),
            )
        })?;
        selected.insert(name.to_owned(), value.clone());
    }
    Ok(Value::Object(selected))
}

fn me(caller: &Caller, fields: &Map<String, Value>) -> Result<Value, GraphError> {
    let all = match caller {
        Caller::App => {
            return Err(GraphError::new(
                2500,
                None,
                "An active access token must be used to query information about the current user.",
            ));
        }
        Caller::SystemUser => json!({"id": "122100000000000099", "name": "Partner"}),
        Caller::Business(account) => json!({
            "id": oauth::system_user_id(account), "name": "Funkturm CRM", "client_business_id": account.business_id,
        }),
    };
    select(&all, fields, "id,name", "User")
}

fn solution(platforms: &Platforms, fields: &Map<String, Value>) -> Result<Value, GraphError> {
    let all = json!({
        "id": platforms.settings.solution_id,
        "name": "Funkturm CRM x 360dialog",
        "status": platforms.state().behavior.solution_status,
        "owner_permissions": ["MANAGE", "DEVELOP"],
        "partners": [{"partner_permissions": ["MESSAGING"]}],
    });
    select(&all, fields, "id,name,status,owner_permissions", "WhatsAppBusinessSolution")
}

/// The account behind a WABA id, if the token covers it.
fn covered(caller: &Caller, waba_id: &str) -> Result<Account, GraphError> {
    let account = match caller {
        Caller::Business(account) => account.by_waba().into_iter().find(|account| account.waba_id == waba_id),
        Caller::App | Caller::SystemUser => None,
    };
    account.ok_or_else(|| GraphError::unsupported(waba_id))
}

fn waba(caller: &Caller, id: &str, fields: &Map<String, Value>) -> Result<Value, GraphError> {
    let account = covered(caller, id)?;
    let all = json!({
        "id": account.waba_id,
        "name": account.business_name,
        "currency": "EUR",
        "timezone_id": "1",
        "message_template_namespace": crate::random::namespace(&account.waba_id),
        "account_review_status": "APPROVED",
        "business_verification_status": "not_verified",
        "country": "DE",
        "status": "ACTIVE",
        "ownership_type": "CLIENT_OWNED",
        "owner_business_info": {"id": account.business_id, "name": account.business_name},
        "on_behalf_of_business_info":
            {"id": account.business_id, "name": account.business_name, "status": "APPROVED", "type": "SELF"},
        "is_shared_with_partners": account.shared,
    });
    select(&all, fields, "id,name,timezone_id,message_template_namespace", "WhatsAppBusinessAccount")
}

fn phone_numbers(
    platforms: &Platforms,
    caller: &Caller,
    id: &str,
    fields: &Map<String, Value>,
) -> Result<Value, GraphError> {
    let account = covered(caller, id)?;
    let limit = payload::text(fields, "limit").and_then(|text| text.parse().ok()).unwrap_or(25_usize).max(1);
    let from: usize =
        payload::text(fields, "after").and_then(|cursor| cursor.strip_prefix("QV")?.parse().ok()).unwrap_or(0);
    let default = "id,display_phone_number,verified_name,quality_rating,code_verification_status,platform_type";
    let mut numbers: Vec<Value> = account
        .numbers
        .iter()
        .map(|number| {
            let all = json!({
                "id": number.id,
                "display_phone_number": number.display,
                "verified_name": number.verified_name,
                "quality_rating": "UNKNOWN",
                "code_verification_status": "VERIFIED",
                "platform_type": if account.on_biz_app() { "CLOUD_API" } else { "NOT_APPLICABLE" },
                "throughput": {"level": "STANDARD"},
                "is_official_business_account": false,
                "account_mode": "LIVE",
                "is_pin_enabled": false,
                "name_status": "APPROVED",
                "new_name_status": "NONE",
                "status": if account.on_biz_app() { "CONNECTED" } else { "PENDING" },
                "is_on_biz_app": account.on_biz_app(),
            });
            select(&all, fields, default, "WhatsAppBusinessPhoneNumber")
        })
        .collect::<Result<_, _>>()?;
    lists::disturb(&platforms.state().lists, List::PhoneNumbers, &mut numbers);
    let total = numbers.len();
    let page: Vec<Value> = numbers.into_iter().skip(from).take(limit).collect();
    if page.is_empty() {
        return Ok(json!({"data": []}));
    }
    let end = from + page.len();
    let mut paging = json!({"cursors": {"before": format!("QV{from}"), "after": format!("QV{end}")}});
    if end < total {
        paging["next"] =
            json!(format!("{}/graph/v25.0/{id}/phone_numbers?limit={limit}&after=QV{end}", platforms.origin));
    }
    Ok(json!({"data": page, "paging": paging}))
}
