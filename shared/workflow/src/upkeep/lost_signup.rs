//! A signup that Meta reports and no page handed over: the customer closed the tab, or the popup gave no code.
//!
//! Meta's `account_update` names the WABA and its portfolio, but no onboarding. It can only be that of a customer who went
//! to Meta lately and whose signup is open. If that is one, the token is fetched from Meta and the signup is proven with it
//! as with any other. If it may be several, or a second WABA of a customer who has finished, nobody guesses: the partner
//! is told.

use meta_graph::webhook::{AccountEvent, AccountUpdate, account_updates};
use onboarding::{BusinessId, Class, Event, Onboarding, PopupAttempt, WabaId};
use secrecy::SecretString;
use serde_json::Value;
use store::{InboxEntry, InboxKey, StoreError, WorkKey};
use telemetry::Metric;
use time::Duration;

use super::UpkeepContext;
use crate::inbound::WebhookOutcome;
use crate::steps::es_callback::CallbackError;
use crate::steps::proof::{Claims, SignupProof};

/// More customers than this at Meta within a day are not told apart, and none of them is told.
const CUSTOMERS: usize = 50;
/// When a webhook that cannot be read is looked at again: another release may.
const UNREADABLE: Duration = Duration::hours(6);
/// How long Meta, our table or our system user may be in the way.
const TRIES_END: Duration = Duration::hours(72);

/// Deals with a kept webhook of Meta's. `fetches` counts down the tokens that may still be fetched in this run.
///
/// # Errors
/// If the table is out of reach. The webhook is due still.
pub(crate) async fn settle(
    context: &UpkeepContext,
    proof: &SignupProof,
    key: &InboxKey,
    fetches: &mut usize,
) -> Result<(), StoreError> {
    let entry = match context.store.inbox(key).await {
        Ok(Some(entry)) => entry,
        Ok(None) => return Ok(()),
        // One that nobody can read must not keep the others waiting.
        Err(error @ StoreError::Unreadable { .. }) => {
            tracing::error!(%error, "a person has to look at this webhook");
            return postpone(context, key, UNREADABLE).await;
        }
        Err(error) => return Err(error),
    };
    let mut outcomes: Vec<Outcome> = Vec::new();
    for update in account_updates(entry.body.as_deref().unwrap_or_default().as_bytes()) {
        let (AccountEvent::PartnerAdded | AccountEvent::PartnerAppInstalled, Some(waba_id)) =
            (&update.event, &update.waba_id)
        else {
            continue;
        };
        if update.solution_id.as_ref().is_some_and(|solution| *solution != context.solution_id) {
            outcomes.push(WebhookOutcome::OtherSolution.into());
            continue;
        }
        match (Report { context, proof, entry: &entry, update: &update, waba_id }).settle(fetches).await {
            Ok(Some(outcome)) if outcomes.contains(&outcome) => {}
            Ok(Some(outcome)) => outcomes.push(outcome),
            // It is due still, and the next run takes it up.
            Ok(None) => return Ok(()),
            Err(error) => {
                let age = context.clock.now() - entry.received_at;
                tracing::warn!(%error, "a signup that Meta reports could not be looked into");
                if age < TRIES_END {
                    return postpone(context, key, age.clamp(Duration::minutes(1), Duration::hours(1))).await;
                }
                telemetry::count(Metric::SignupUnclear, 1);
                outcomes.push(WebhookOutcome::NeverSettled.into());
            }
        }
    }
    if outcomes.is_empty() {
        outcomes.push(WebhookOutcome::Kept.into());
    }
    let words: Vec<_> = outcomes.into_iter().map(Outcome::as_str).collect();
    context.store.processed(key, &words.join(", ")).await
}

/// Lets reconciliation look at a report again after a while.
pub(crate) async fn postpone(context: &UpkeepContext, key: &InboxKey, wait: Duration) -> Result<(), StoreError> {
    let work = WorkKey::Inbox(key.clone());
    context.store.due_next(&work, None, Class::Reconciliation, context.clock.now() + wait).await
}

/// What became of one report.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Settled(WebhookOutcome),
    /// The signup was refused, under this [`CallbackError::code`].
    Refused(&'static str),
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Settled(outcome) => outcome.as_str(),
            Self::Refused(code) => code,
        }
    }
}

impl From<WebhookOutcome> for Outcome {
    fn from(outcome: WebhookOutcome) -> Self {
        Self::Settled(outcome)
    }
}

/// Whose signup it may be that Meta reports.
enum Candidates {
    /// An onboarding has the WABA already.
    Known,
    /// More than are looked at.
    TooMany,
    /// Those whose signup is open. `sure`: it is nobody's who has finished.
    Waiting {
        /// None, one or several.
        onboardings: Vec<Onboarding>,
        /// Whether it must be one of them, as far as we can know.
        sure: bool,
    },
}

/// Meta's word that a customer finished.
struct Report<'a> {
    context: &'a UpkeepContext,
    proof: &'a SignupProof,
    entry: &'a InboxEntry,
    update: &'a AccountUpdate,
    waba_id: &'a WabaId,
}

impl Report<'_> {
    /// What came of it; `None`: no token may be fetched in this run any more.
    async fn settle(&self, fetches: &mut usize) -> Result<Option<Outcome>, CallbackError> {
        let (waiting, sure) = match self.candidates().await? {
            Candidates::Known => return Ok(Some(WebhookOutcome::Known.into())),
            Candidates::TooMany => {
                tracing::warn!(waba_id = %self.waba_id, "a signup at Meta may be one of too many customers'");
                telemetry::count(Metric::SignupUnclear, 1);
                return Ok(Some(WebhookOutcome::Unclear.into()));
            }
            Candidates::Waiting { onboardings, sure } => (onboardings, sure),
        };
        match waiting.as_slice() {
            [] => Ok(Some(WebhookOutcome::NobodyWaits.into())),
            [onboarding] if sure && *fetches > 0 => {
                *fetches -= 1;
                telemetry::set_onboarding(onboarding.id.as_str());
                self.recover(onboarding).await.map(Some)
            }
            [_] if sure => Ok(None),
            unclear => {
                for onboarding in unclear {
                    self.tell(onboarding, "signup_unclear").await?;
                }
                Ok(Some(WebhookOutcome::Unclear.into()))
            }
        }
    }

    /// The onboardings that it may be about.
    async fn candidates(&self) -> Result<Candidates, CallbackError> {
        let ids = self.context.store.popups_opened(self.entry.received_at, CUSTOMERS + 1).await?;
        if ids.len() > CUSTOMERS {
            return Ok(Candidates::TooMany);
        }
        let owner = self.update.owner_business_id.as_ref();
        let (mut onboardings, mut sure) = (Vec::new(), true);
        for id in ids {
            let onboarding = match self.context.store.get(&id).await {
                Ok(stored) => stored.onboarding,
                Err(StoreError::NotFound | StoreError::Unreadable { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            if let Some(signup) = &onboarding.signup {
                if signup.waba_id == *self.waba_id {
                    return Ok(Candidates::Known);
                }
                // Who has finished may have shared another WABA of the same portfolio too.
                sure &= owner.is_none() || signup.business_id.as_ref() != owner;
            }
            if onboarding.takes_signup() {
                onboardings.push(onboarding);
            }
        }
        // Whom the partner started for this very portfolio, it is.
        if let Some(owner) = owner
            && onboardings.iter().any(|onboarding| prefilled(onboarding, owner))
        {
            onboardings.retain(|onboarding| prefilled(onboarding, owner));
            sure = true;
        }
        Ok(Candidates::Waiting { onboardings, sure })
    }

    async fn recover(&self, onboarding: &Onboarding) -> Result<Outcome, CallbackError> {
        let secret = self.context.secrets.bundle().await?;
        let (Some(system_user), Some(owner)) = (&secret.meta_system_user_token, &self.update.owner_business_id) else {
            self.tell(onboarding, "signup_not_fetched").await?;
            return Ok(WebhookOutcome::NotFetched.into());
        };
        match self.fetched(&secret.meta_app_secret, system_user, owner, onboarding).await {
            Ok(()) => Ok(WebhookOutcome::Recovered.into()),
            // Somebody was faster.
            Err(CallbackError::AlreadySignedUp) => Ok(WebhookOutcome::Known.into()),
            Err(error @ (CallbackError::Unavailable(_) | CallbackError::Misconfigured(_))) => Err(error),
            Err(error) => {
                self.tell(onboarding, error.code()).await?;
                Ok(Outcome::Refused(error.code()))
            }
        }
    }

    async fn fetched(
        &self,
        app_secret: &SecretString,
        system_user: &SecretString,
        owner: &BusinessId,
        onboarding: &Onboarding,
    ) -> Result<(), CallbackError> {
        let token = self.proof.meta.fetch_token(app_secret, system_user, owner).await?;
        let claims = Claims { waba_id: Some(self.waba_id), ..Claims::default() };
        let event = self.proof.of(app_secret, &token, claims, None).await?;
        if let Event::NumbersFound { numbers, .. } = &event {
            for number in numbers {
                let owner = self.context.store.number_owner(&number.id).await?;
                if owner.is_some_and(|owner| owner != onboarding.id) {
                    return Err(CallbackError::NumberTaken);
                }
            }
        }
        self.context.store.apply(&onboarding.id, &event).await?;
        tracing::info!("a signup that no page handed over was completed");
        Ok(())
    }

    /// Tells the partner, by metric and log, and in the onboarding's attempts.
    async fn tell(&self, onboarding: &Onboarding, code: &'static str) -> Result<(), CallbackError> {
        tracing::warn!(onboarding_id = %onboarding.id, code, waba_id = %self.waba_id, "a signup at Meta needs its customer again");
        telemetry::count(Metric::SignupUnclear, 1);
        let event = match self.update.event {
            AccountEvent::PartnerAppInstalled => "PARTNER_APP_INSTALLED",
            _ => "PARTNER_ADDED",
        };
        let attempt = PopupAttempt {
            at: self.entry.received_at,
            event: event.to_owned(),
            current_step: None,
            error_code: Some(code.to_owned()),
            error_message: Some(format!(
                "Meta reports a finished sign-up for WABA {} that may be this customer's. Ask them to open the setup link again.",
                self.waba_id
            )),
            session_id: None,
        };
        // Meta may report it often, and a link takes only so many attempts.
        let told = |earlier: &PopupAttempt| {
            (&earlier.error_code, &earlier.error_message) == (&attempt.error_code, &attempt.error_message)
        };
        if !onboarding.attempts.iter().any(told) {
            self.context.store.apply(&onboarding.id, &Event::PopupLeft { attempt }).await?;
        }
        Ok(())
    }
}

/// Whether the partner named this portfolio when it started the onboarding (`prefill.business.id`, text or number).
fn prefilled(onboarding: &Onboarding, owner: &BusinessId) -> bool {
    match onboarding.prefill.get("business").and_then(|business| business.get("id")) {
        Some(Value::String(id)) => id == owner.as_str(),
        Some(Value::Number(id)) => id.to_string() == owner.as_str(),
        _ => false,
    }
}
