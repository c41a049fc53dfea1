//! Requests that would end the process before a handler sees them.

use lambda_http::http::HeaderMap;
use lambda_http::http::header::HOST;
use lambda_http::request::LambdaRequest;
use url::Url;

const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The request without a `Host` and an `X-Forwarded-Proto` of which no URL can be made. Both may be a stranger's words, and
/// `lambda_http` makes a URL of them with an `unwrap`. Without them it takes the domain that API Gateway names.
pub fn readable(mut event: LambdaRequest) -> LambdaRequest {
    if let LambdaRequest::ApiGatewayV1(request) = &mut event
        && !makes_a_url(&request.headers)
    {
        for headers in [&mut request.headers, &mut request.multi_value_headers] {
            headers.remove(HOST);
            headers.remove(FORWARDED_PROTO);
        }
    }
    event
}

fn makes_a_url(headers: &HeaderMap) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = header(FORWARDED_PROTO).unwrap_or("https");
    let host = header(HOST.as_str()).unwrap_or("localhost");
    ["http", "https"].contains(&scheme) && Url::parse(&format!("{scheme}://{host}/")).is_ok_and(|url| url.path() == "/")
}
