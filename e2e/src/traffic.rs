//! What went over the network, from the browser's own record of it.

use std::collections::HashMap;

use serde_json::Value;

/// All requests of a visit, in order.
pub struct Traffic {
    requests: Vec<Request>,
}

/// One request.
#[derive(Debug)]
pub struct Request {
    /// Its address, without a fragment.
    pub url: String,
    /// Its method.
    pub method: String,
    /// Bytes of the answer over the wire, with its headers. `None`: not answered yet, or not at all.
    pub bytes: Option<u64>,
    /// The request as the browser tells of it, without the fragment of its address.
    told: String,
}

impl Traffic {
    /// Reads what [`Browser::log`](crate::browser::Browser::log) tells of `performance`.
    pub fn read(log: &[Value]) -> Self {
        let events = log.iter().filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok());
        let mut requests: Vec<Request> = Vec::new();
        let mut by_id: HashMap<String, usize> = HashMap::new();
        for event in events {
            let parameters = &event["message"]["params"];
            let Some(id) = text(&parameters["requestId"]) else { continue };
            match event["message"]["method"].as_str() {
                Some("Network.requestWillBeSent") => {
                    let mut told = parameters["request"].clone();
                    if let Some(told) = told.as_object_mut() {
                        told.remove("urlFragment");
                    }
                    by_id.insert(id, requests.len());
                    requests.push(Request {
                        url: text(&told["url"]).unwrap_or_default(),
                        method: text(&told["method"]).unwrap_or_default(),
                        bytes: None,
                        told: told.to_string(),
                    });
                }
                // The headers as they really went.
                Some("Network.requestWillBeSentExtraInfo") => {
                    if let Some(request) = by_id.get(&id).and_then(|index| requests.get_mut(*index)) {
                        request.told.push_str(&parameters["headers"].to_string());
                    }
                }
                Some("Network.loadingFinished") => {
                    if let Some(request) = by_id.get(&id).and_then(|index| requests.get_mut(*index)) {
                        // Whole numbers, written as floats.
                        request.bytes =
                            parameters["encodedDataLength"].to_string().split('.').next().and_then(|n| n.parse().ok());
                    }
                }
                _ => {}
            }
        }
        Self { requests }
    }

    /// Requests whose address begins so.
    pub fn to(&self, beginning: &str) -> Vec<&Request> {
        self.requests.iter().filter(|request| request.url.starts_with(beginning)).collect()
    }

    /// Asserts that a secret is in no address and goes nowhere but to addresses that begin with `home`.
    pub fn assert_secret(&self, secret: &str, home: &str) {
        for request in &self.requests {
            assert!(!request.url.contains(secret), "the setup token is in an address");
            let elsewhere = request.told.contains(secret) && !request.url.starts_with(home);
            assert!(!elsewhere, "the setup token went to {}", request.url);
        }
    }

    /// Asserts that nothing left this machine.
    pub fn assert_local(&self) {
        let local = ["http://127.0.0.1:", "data:", "about:", "chrome:"];
        for request in &self.requests {
            assert!(local.iter().any(|local| request.url.starts_with(local)), "a request to {}", request.url);
        }
    }
}

pub(crate) fn text(value: &Value) -> Option<String> {
    value.as_str().map(ToOwned::to_owned)
}
