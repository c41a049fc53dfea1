//! `GET /onboardings/{id}/export`: all that is kept about an onboarding, but secrets and what only proves them.

use api::access::require_back_end;
use api::view::{full_view_with_history, rfc3339};
use api::{Problem, json, onboarding_id};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use crate::Onboardings;
use crate::events::shown;

impl Onboardings {
    pub(crate) async fn export(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.bundle).await?;
        let id = onboarding_id(request)?;
        telemetry::set_onboarding(id.as_str());
        let stored = self.store.get(&id).await?;
        let (history, last_seen_at) = tokio::try_join!(self.store.whole_history(&id), self.store.page_last_seen(&id))?;
        let (popup, events) = tokio::try_join!(self.store.popup(&id), self.store.events_of(&id))?;
        let events: Vec<_> = events.into_iter().map(shown).collect::<Result<_, _>>()?;
        let mut channels = Vec::new();
        for channel_id in stored.onboarding.former_channels.iter().chain(&stored.onboarding.channel_id) {
            if let Some(said) = self.store.seen_channel(channel_id).await? {
                let mut said = serde_json::to_value(said).map_err(Problem::internal)?;
                said["channel_id"] = json!(channel_id);
                channels.push(said);
            }
        }
        let mut answer = json!({
            "exported_at": rfc3339(self.clock.now()),
            "onboarding": full_view_with_history(&stored, &history, last_seen_at)?,
            "events": events,
            "channels": channels,
            "popup": {
                "opened_at": popup.opened_at.map(rfc3339),
                "finished_at": popup.finished_at.map(rfc3339),
                "exchanges": popup.exchanges,
            },
        });
        drop_nulls(&mut answer["popup"]);
        Ok(json(StatusCode::OK, &answer))
    }
}

fn drop_nulls(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|_, member| !member.is_null());
    }
}
