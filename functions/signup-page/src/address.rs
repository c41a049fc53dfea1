//! Where in the page an address leads, however it was changed on its way to the customer.

use lambda_http::http::header::ACCEPT;
use lambda_http::{Request, RequestExt};

/// A `#` as mail gateways write it, and as API Gateway may hand it on.
const ESCAPED: [&str; 3] = ["#", "%23", "%2523"];

/// What the page's file parameter or the greedy parameter of an address holds.
pub(crate) fn rest(request: &Request) -> String {
    let parameters = request.path_parameters_ref();
    let named = |name| parameters.and_then(|parameters| parameters.first(name));
    named("asset").or_else(|| named("proxy")).unwrap_or_default().to_owned()
}

/// Whether this is a setup link whose `#` became a part of its path, or which has a slash too many.
pub(crate) fn is_setup_link(route: &str, rest: &str) -> bool {
    let after = if route == "/{proxy+}" { rest.strip_prefix("signup") } else { Some(rest) };
    let after = after.map(|after| after.trim_start_matches('/'));
    after.is_some_and(|after| after.is_empty() || ESCAPED.iter().any(|escaped| after.starts_with(escaped)))
}

/// Whether a person looks at the answer: browsers ask for HTML when they open a page, and for nothing else.
pub(crate) fn is_opened(request: &Request) -> bool {
    let accepted = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.into_iter().any(|value| value.contains("text/html"))
}

/// Where the page's files are, seen from an address: `signup/` from the page itself, and up for each further segment.
pub(crate) fn base(route: &str, rest: &str, request: &Request) -> String {
    let further = match route {
        "/signup" => 0,
        "/{proxy+}" => rest.trim_end_matches('/').matches('/').count(),
        _ => 1,
    };
    let slash = usize::from(request.raw_http_path().ends_with('/'));
    format!("{}signup/", "../".repeat(further + slash))
}
