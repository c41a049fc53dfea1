//! The one client for the AWS SDK too.

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;

/// The SDK's HTTP client: the one for everything.
pub fn http_client(http: reqwest::Client) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Connector(http));
    http_client_fn(move |_, _| connector.clone())
}

/// Sends the SDK's requests with the client that everything else is sent with: its roots are compiled in, where the SDK's own
/// client reads the system's at each start.
#[derive(Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = to_reqwest(request).map_err(ConnectorError::user)?;
            let response = http.execute(request).await.map_err(classify)?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = response.bytes().await.map_err(classify)?;
            let mut answer = HttpResponse::new(status.into(), body.into());
            *answer.headers_mut() = headers.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
            Ok(answer)
        })
    }
}

/// The SDK's request as the client takes it. None of our calls streams its body.
fn to_reqwest(request: HttpRequest) -> Result<reqwest::Request, Box<dyn std::error::Error + Send + Sync>> {
    let request = request.try_into_http1x()?;
    Ok(request.map(|body| body.bytes().unwrap_or_default().to_vec()).try_into()?)
}

/// What the SDK may try again.
fn classify(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() { ConnectorError::timeout(error.into()) } else { ConnectorError::io(error.into()) }
}
