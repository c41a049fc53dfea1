//! The events: `GET /events?after=&limit=`, the feed; `POST /events/replay`, which has them told once more to the partner's
//! webhook; `POST /events/test`.

use api::access::require_back_end;
use api::view::rfc3339;
use api::{Problem, json, read_json};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};
use onboarding::{Delivery, EventId, PartnerEvent, Try, WebhookState};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::StoredEvent;

use crate::Onboardings;
use crate::query::{PAGE, Query, limit};

/// Every parameter of the feed.
const PARAMETERS: [&str; 2] = ["after", "limit"];

/// `POST /events/replay`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    after: Option<String>,
}

/// An event with how its telling goes.
#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    envelope: serde_json::Map<String, serde_json::Value>,
    delivery: ShownDelivery,
}

#[derive(Serialize)]
struct ShownDelivery {
    event_bus: ShownBus,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<ShownWebhook>,
}

#[derive(Serialize)]
struct ShownBus {
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<String>,
    tries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct ShownWebhook {
    state: WebhookState,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_at: Option<String>,
    tries: Vec<Try>,
}

impl Onboardings {
    /// A page of the feed.
    pub(crate) async fn events(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.bundle).await?;
        let parameters = request.query_string_parameters_ref();
        let mut query = Query::read(parameters.into_iter().flat_map(|query| query.iter()), &PARAMETERS);
        let (after, limit) = (query.checked("after", event_id), query.checked("limit", limit).unwrap_or(PAGE));
        query.finish()?;
        let page = self.store.feed(after.as_ref(), limit).await?;
        let events: Vec<Shown> = page.events.into_iter().map(shown).collect::<Result<_, _>>()?;
        Ok(json(StatusCode::OK, &json!({ "events": events, "cursor": page.cursor, "has_more": page.has_more })))
    }

    /// Has the events after one told once more to the partner's webhook.
    pub(crate) async fn replay_events(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.bundle).await?;
        let Replay { after } = read_json(request)?;
        let after = after.ok_or_else(|| Problem::invalid_field("after", "is missing"))?;
        let after = event_id(&after).map_err(|why| Problem::invalid_field("after", why))?;
        self.store.start_replay(&after).await?;
        Ok(json(StatusCode::ACCEPTED, &json!({})))
    }

    /// Tells an event that nothing happened for.
    pub(crate) async fn test_event(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.bundle).await?;
        let id = self.store.tell(&PartnerEvent::test()).await?;
        Ok(json(StatusCode::ACCEPTED, &json!({ "id": id })))
    }
}

fn event_id(text: &str) -> Result<EventId, String> {
    text.parse().map_err(|error| format!("is {error}"))
}

pub(crate) fn shown((event, delivery): (StoredEvent, Delivery)) -> Result<Shown, Problem> {
    let envelope = serde_json::from_str(&event.envelope()?).map_err(Problem::internal)?;
    let bus = delivery.event_bus;
    let webhook = delivery.webhook.map(|webhook| ShownWebhook {
        state: webhook.state,
        delivered_at: webhook.delivered_at.map(rfc3339),
        next_try_at: webhook.next_try_at.map(rfc3339),
        tries: webhook.tries,
    });
    let event_bus = ShownBus { delivered_at: bus.delivered_at.map(rfc3339), tries: bus.tries, error: bus.error };
    Ok(Shown { envelope, delivery: ShownDelivery { event_bus, webhook } })
}
