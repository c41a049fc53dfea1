//! The bus at EventBridge.

use std::time::Instant;

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_types::DateTime;
use telemetry::{milliseconds, reason};

use super::{BusError, BusEvent, EventBus, SOURCE};

/// Puts events on a bus of EventBridge.
#[derive(Debug, Clone)]
pub struct EventBridge {
    client: Client,
    bus: String,
}

impl EventBridge {
    /// The bus with this name or ARN.
    pub fn new(client: Client, bus: String) -> Self {
        Self { client, bus }
    }
}

#[async_trait]
impl EventBus for EventBridge {
    async fn put(&self, event: &BusEvent) -> Result<(), BusError> {
        let started = Instant::now();
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(SOURCE)
            .detail_type(&event.detail_type)
            .detail(&event.detail)
            .time(DateTime::from_secs(event.at.unix_timestamp()))
            .build();
        let put = match self.client.put_events().entries(entry).send().await {
            // The call succeeds also if the bus did not take its only entry.
            Ok(answer) if answer.failed_entry_count() > 0 => {
                let code = answer.entries().first().and_then(|entry| entry.error_code());
                Err(code.unwrap_or("unknown error").to_owned())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(reason(&error)),
        };
        let (outcome, milliseconds) = (put.as_ref().err().map_or("ok", String::as_str), milliseconds(started));
        tracing::info!(service = "eventbridge", route = "PutEvents", outcome, milliseconds, "call");
        put.map_err(BusError)
    }
}
