//! What triggers hand to functions: API Gateway, SQS, the stream, the schedules.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// The id of a queue's message.
pub(crate) const MESSAGE_ID: &str = "0b6f4c9e-8f5c-4a55-9a41-5cf2f1f6f0c1";

/// A call of the API, as API Gateway hands it on.
pub(crate) struct Call {
    method: &'static str,
    resource: &'static str,
    path: String,
    headers: BTreeMap<String, String>,
    query: BTreeMap<&'static str, String>,
    body: Option<String>,
}

impl Call {
    pub(crate) fn get(resource: &'static str, path: &str) -> Self {
        let headers = BTreeMap::from([("Host".to_owned(), "127.0.0.1:3000".to_owned())]);
        Self { method: "GET", resource, path: path.to_owned(), headers, query: BTreeMap::new(), body: None }
    }

    pub(crate) fn post(resource: &'static str, path: &str, body: &Value) -> Self {
        Self { method: "POST", body: Some(body.to_string()), ..Self::get(resource, path) }
            .header("Content-Type", "application/json")
    }

    pub(crate) fn delete(resource: &'static str, path: &str) -> Self {
        Self { method: "DELETE", ..Self::get(resource, path) }
    }

    pub(crate) fn webhook(resource: &'static str, body: &str, header: &str, secret: &str, prefix: &str) -> Self {
        // HMAC takes a key of any length.
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map(|mac| mac.chain_update(body).finalize());
        let digest = mac.map(|mac| hex::encode(mac.into_bytes())).unwrap_or_default();
        let signature = format!("{prefix}{digest}");
        let call = Self { method: "POST", body: Some(body.to_owned()), ..Self::get(resource, resource) };
        call.header("Content-Type", "application/json").header(header, &signature)
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn handshake(self, token: &str) -> Self {
        self.query([("hub.mode", "subscribe"), ("hub.verify_token", token), ("hub.challenge", "1158201444")])
    }

    pub(crate) fn query<const N: usize>(mut self, parameters: [(&'static str, &str); N]) -> Self {
        self.query = parameters.map(|(name, value)| (name, value.to_owned())).into();
        self
    }

    pub(crate) fn event(self) -> Value {
        let several = |map: Value| -> Value {
            map.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), json!([value]))).collect()
        };
        let segments = self.resource.split('/').zip(self.path.split('/'));
        let parameters: serde_json::Map<String, Value> = segments
            .filter_map(|(name, value)| Some((name.strip_prefix('{')?.strip_suffix('}')?.to_owned(), value.into())))
            .collect();
        json!({
            "resource": self.resource,
            "path": self.path,
            "httpMethod": self.method,
            "headers": self.headers,
            "multiValueHeaders": several(json!(self.headers)),
            "queryStringParameters": self.query,
            "multiValueQueryStringParameters": several(json!(self.query)),
            "pathParameters": parameters,
            "stageVariables": null,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "domainName": "127.0.0.1",
                "httpMethod": self.method,
                "identity": { "sourceIp": "127.0.0.1" },
                "path": format!("/v1{}", self.path),
                "protocol": "HTTP/1.1",
                "requestId": "3f1d2c64-6a0e-4d6b-9d0c-1f6f0c1f7a10",
                "resourceId": "local",
                "resourcePath": self.resource,
                "stage": "v1",
            },
            "body": self.body,
            "isBase64Encoded": false,
        })
    }
}

pub(crate) fn sqs(queue: &str, body: &Value) -> Value {
    json!({ "Records": [{
        "messageId": MESSAGE_ID,
        "receiptHandle": "made-up-receipt",
        "body": body.to_string(),
        "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "1793699950000" },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:eu-central-1:000000000000:onboarding-{queue}"),
        "awsRegion": "eu-central-1",
    }]})
}

/// One record of the table's stream: an entry of an onboarding's history was written.
pub(crate) fn stream(onboarding: &str) -> Value {
    json!({ "Records": [{
        "eventID": "c4ca4238a0b923820dcc509a6f75849b",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_793_699_950,
            "Keys": {
                "pk": { "S": format!("ONB#{onboarding}") },
                "sk": { "S": "EVT#2026-11-03T09:19:10.000Z#0000000001" },
            },
            "SequenceNumber": "111000000000000000000001",
            "SizeBytes": 86,
            "StreamViewType": "KEYS_ONLY",
        },
        "eventSourceARN":
            "arn:aws:dynamodb:eu-central-1:000000000000:table/onboarding-Table/stream/2026-11-03T00:00:00.000",
    }]})
}

pub(crate) fn schedule(rule: &str) -> Value {
    json!({
        "version": "0",
        "id": "7d5f1c3a-2f6e-4c0b-8a51-9c8f4d3e2b10",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": "2026-11-03T09:00:00Z",
        "region": "eu-central-1",
        "resources": [format!("arn:aws:events:eu-central-1:000000000000:rule/onboarding-{rule}")],
        "detail": {},
    })
}
