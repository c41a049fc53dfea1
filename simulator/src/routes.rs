//! The routes by name: how faults are ordered and how the ledger speaks of calls.

/// A route of one of the fake services. `{…}` stands for any one segment.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub(crate) service: &'static str,
    method: &'static str,
    template: &'static str,
    pub(crate) name: &'static str,
}

const fn route(service: &'static str, method: &'static str, template: &'static str, name: &'static str) -> Route {
    Route { service, method, template, name }
}

/// Paths below `/hub/api/v2`, `/graph/<version>`, `/messaging` and `/sdk`. The first that matches counts.
pub(crate) const ROUTES: [Route; 29] = [
    route("hub", "POST", "/token", "token"),
    route("hub", "POST", "/partners/{p}/account_sharing/clients", "create_client"),
    route("hub", "GET", "/partners/{p}/clients", "list_clients"),
    route("hub", "PATCH", "/partners/{p}/clients/{c}", "update_client"),
    route("hub", "POST", "/partners/{p}/account_sharing/numbers", "numbers"),
    route("hub", "GET", "/partners/{p}/channels", "list_channels"),
    route("hub", "GET", "/partners/{p}/channels/{ch}", "channel"),
    route("hub", "POST", "/partners/{p}/channels/{ch}/api_keys", "api_keys"),
    route("hub", "GET", "/partners/{p}/channels/{ch}/api_keys", "list_api_keys"),
    route("hub", "DELETE", "/partners/{p}/channels/{ch}/api_keys", "delete_api_keys"),
    route(
        "hub",
        "POST",
        "/partners/{p}/clients/{c}/channels/{ch}/control/cancellation_request",
        "request_cancellation",
    ),
    route("hub", "POST", "/partners/{p}/clients/{c}/channels/{ch}/control/reactivate", "revoke_cancellation"),
    route("hub", "GET", "/partners/{p}", "partner"),
    route("hub", "PATCH", "/partners/{p}", "update_partner"),
    route("hub", "GET", "/partners/{p}/webhook_url", "webhook_url"),
    route("hub", "POST", "/partners/{p}/webhook_url", "set_webhook_url"),
    route("graph", "POST", "/oauth/access_token", "exchange_code"),
    route("graph", "GET", "/oauth/access_token", "exchange_code"),
    route("graph", "GET", "/debug_token", "debug_token"),
    route("graph", "GET", "/me", "me"),
    // Told apart from `waba` by its id.
    route("graph", "GET", "/{solution}", "solution"),
    route("graph", "GET", "/{id}", "waba"),
    route("graph", "GET", "/{id}/phone_numbers", "phone_numbers"),
    route("graph", "POST", "/{id}/system_user_access_tokens", "recover_token"),
    route("messaging", "POST", "/v1/configs/webhook", "set_message_webhook"),
    route("messaging", "GET", "/v1/configs/webhook", "message_webhook"),
    route("messaging", "GET", "/health_status", "health_status"),
    route("sdk", "GET", "/{locale}/sdk.js", "sdk_script"),
    route("sdk", "GET", "/popup", "sdk_popup"),
];

/// What a path that is none of these is called in the ledger.
pub(crate) const UNKNOWN: &str = "unknown";

/// Finds the service and the route of a request. `None`: not one of the fake services.
pub(crate) fn find(method: &str, path: &str, solution_id: &str) -> Option<Route> {
    let (service, rest) = [("hub", "/hub/api/v2"), ("graph", "/graph"), ("messaging", "/messaging"), ("sdk", "/sdk")]
        .into_iter()
        .find_map(|(service, prefix)| Some((service, path.strip_prefix(prefix)?)))?;
    let rest = if service == "graph" { without_version(rest) } else { rest };
    let found = ROUTES.iter().find(|route| {
        let solution = route.name != "solution" || rest.trim_start_matches('/') == solution_id;
        route.service == service && route.method == method && matches(route.template, rest) && solution
    });
    Some(found.copied().unwrap_or(route(service, "", "", UNKNOWN)))
}

/// Cuts the Graph API's version, such as `/v25.0`, off a path.
pub(crate) fn without_version(path: &str) -> &str {
    let rest = path.trim_start_matches('/');
    let (first, after) = rest.split_once('/').unwrap_or((rest, ""));
    let version = first.strip_prefix('v').is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()));
    if version { &path[path.len() - after.len()..] } else { path }
}

fn matches(template: &str, path: &str) -> bool {
    let mut wanted = template.trim_matches('/').split('/');
    let mut given = path.trim_matches('/').split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given || (wanted.starts_with('{') && !given.is_empty()) => {}
            _ => return false,
        }
    }
}
