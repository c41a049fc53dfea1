//! What the partner wants of an onboarding, in a word: `POST /onboardings/{id}/cancel`, `…/disconnect`, `…/reconnect` and
//! `…/rotate-key`. Each is safe to repeat. What it takes is done by the workers.

use api::access::require_back_end;
use api::view::full_view;
use api::{Problem, json, onboarding_id, read, read_json, requester};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use onboarding::{Event, Requester, Status};
use serde::Deserialize;
use store::StoreError;

use crate::Onboardings;

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Order {
    /// To call the onboarding off.
    Cancel,
    /// To end the channel.
    Disconnect,
    /// To keep the channel.
    Reconnect,
    /// A new API key in place of the present one.
    RotateKey,
}

/// `{}`, or none.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoMembers {}

impl Order {
    const fn event(self, by: Requester) -> Event {
        match self {
            Self::Cancel => Event::CancelAsked { by },
            Self::Disconnect => Event::DisconnectAsked { by },
            Self::Reconnect => Event::ReconnectAsked { by },
            Self::RotateKey => Event::KeyRotationAsked { by },
        }
    }

    /// Why it does not fit an onboarding in this status.
    fn refused(self, status: Status) -> Problem {
        match (self, status) {
            (Self::Cancel, _) => Problem::not_cancellable(status),
            (Self::Reconnect, Status::Disconnected) => Problem::ended(),
            (Self::Disconnect | Self::Reconnect | Self::RotateKey, _) => Problem::not_ready(status),
        }
    }
}

impl Onboardings {
    /// Takes an order.
    pub(crate) async fn order(&self, request: &Request, order: Order) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.bundle).await?;
        let id = onboarding_id(request)?;
        telemetry::set_onboarding(id.as_str());
        let NoMembers {} = if read(request)?.is_empty() { NoMembers::default() } else { read_json(request)? };
        match self.store.apply(&id, &order.event(requester(request))).await {
            Ok(applied) => Ok(json(StatusCode::ACCEPTED, &full_view(&applied.into_stored())?)),
            Err(StoreError::Illegal(illegal)) => Err(self.unless_erased(&id, order.refused(illegal.status)).await),
            Err(error) => Err(error.into()),
        }
    }
}
