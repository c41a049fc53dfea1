//! The onboardings that the sample events in `events/` are about, each where its event finds something to do.

use axum::http::Method;
use embedded_dynamodb::Database;
use onboarding::{
    ClientAccount, ClientDetails, ClientId, ClientSearch, Event, Onboarding, OnboardingId, Problem, Step,
};
use partner_hub::NumberSubmission;
use serde_json::{Value, json};
use simulator::Simulator;
use store::{Due, EventKey, NewInboxEntry, Source, WorkKey};
use time::Duration;
use workflow::HubContext;

use crate::Error;
use crate::client::{Client, Started, start_body};
use crate::functions::Twins;

/// The setup token of each.
pub const SETUP_TOKEN: &str = "bG9jYWwtc2V0dXAtdG9rZW4tb2YtdGhlLWV2ZW50cyE";
/// Just started.
pub const STARTED: &str = "onb_019a47c05e2c7d3fb1a6c94e8f20d7a0";
/// Started, and its customer is about to finish Meta's popup.
pub const SIGNING_UP: &str = "onb_019a47c05e2c7d3fb1a6c94e8f20d7a1";
/// The customer who is about to finish the popup, at the simulator.
pub const SIGNING_UP_ACCOUNT: &str = "one_number:signing-up";
/// Of no onboarding.
pub const NOBODY: &str = "onb_019a47c05e2c7d3fb1a6c94e8f20d7af";
/// Signed up, and its client account is known: the number is to be submitted.
pub const SIGNED_UP: &str = "onb_019a47c05e2c7d3fb1a6c94e8f20d7a2";
/// The customer who has signed up, at the simulator.
pub const SIGNED_UP_ACCOUNT: &str = "one_number:signed-up";
/// Submitted, and its channel is live at the Hub. The inbox holds the webhook that says so.
pub const SUBMITTED: &str = "onb_019a47c05e2c7d3fb1a6c94e8f20d7a3";
/// The key of that webhook.
pub const WEBHOOK: &str = "partner_hub#evt_05e2";
/// Live: the key is to be made.
pub const LIVE: &str = "onb_019a47c05e2c7d3fb1a6c94e8f20d7a4";
/// Failed: the client account was refused.
pub const FAILED: &str = "onb_019a47c05e2c7d3fb1a6c94e8f20d7a5";

/// The event that [`STARTED`] was started, which is to be told.
pub const EVENT: &str = "019a47c0-5e2c-7d3f-b1a6-c94e8f20d7a6";

/// The permits of the messages to the workers: for the onboardings that are started, signed up and live, for the webhook, and
/// for the event. Their class takes none from the limiter: they would else keep tokens from the onboardings that are under way.
pub const PERMITS: [&str; 5] = ["sample-started", "sample-signed-up", "sample-live", "sample-webhook", "sample-event"];
/// How long the samples stay as they are.
const AGES: Duration = Duration::days(365);

/// Puts them into a new stack that is not worked off yet. Only the customer who is about to sign up has a step due: the client
/// account. `database`, `table`: where the stack's table is.
pub(crate) async fn put(
    client: &Client,
    simulator: &Simulator,
    hub: &HubContext,
    twins: &Twins,
    (database, table): (&Database, &str),
) -> Result<(), Error> {
    let put = Put { client, simulator, hub, twins };
    for (id, reference) in [
        (STARTED, "sample-started"),
        (SIGNING_UP, "sample-signing-up"),
        (SIGNED_UP, "sample-signed-up"),
        (SUBMITTED, "sample-submitted"),
        (LIVE, "sample-live"),
        (FAILED, "sample-failed"),
    ] {
        twins.store.create(&started(id, reference, twins)?, None).await?;
    }
    name_event(database, table)?;
    let problem = Problem {
        step: Step::ClientAccount,
        code: "client_refused".to_owned(),
        detail: "The Hub refused the client account (400): email: not an address".to_owned(),
        retryable: true,
    };
    twins.store.apply(&FAILED.parse()?, &Event::StepFailed { problem }).await?;
    put.sign_up(SIGNED_UP, SIGNED_UP_ACCOUNT).await?;
    let client_id = put.channels().await?;
    twins.store.apply(&SIGNED_UP.parse()?, &Event::ClientFound { client_id, created: true }).await?;
    for (id, permit) in [(STARTED, PERMITS[0]), (SIGNED_UP, PERMITS[1]), (LIVE, PERMITS[2])] {
        put.permit(WorkKey::Onboarding(id.parse()?), permit).await?;
    }
    put.permit(WorkKey::Inbox(WEBHOOK.parse()?), PERMITS[3]).await?;
    let event = EventKey { onboarding: Some(STARTED.parse()?), id: EVENT.parse()? };
    put.permit(WorkKey::Event(event), PERMITS[4]).await?;
    put.rest(WorkKey::Onboarding(SUBMITTED.parse()?)).await
}

fn started(id: &str, reference: &str, twins: &Twins) -> Result<Onboarding, Error> {
    let now = twins.clock.now();
    let details = serde_json::from_value(start_body(reference)["client"].take())?;
    let client = ClientAccount::Wanted { details, search: ClientSearch::Open };
    let token_sha256 = exchange::sha256_hex(SETUP_TOKEN);
    Ok(Onboarding::new(id.parse()?, reference.to_owned(), client, token_sha256, now + Duration::days(7), now))
}

/// Ids of events are made up by the store. One gets the id that a sample event can name: its items are written anew.
fn name_event(database: &Database, table: &str) -> Result<(), Error> {
    let call = |operation: &str, request: Value| -> Result<Value, Error> {
        match embedded_dynamodb::answer(database, operation, request.to_string().as_bytes()) {
            Some((200, answer)) => Ok(serde_json::from_slice(&answer)?),
            _ => Err(format!("{operation} of a sample's event failed").into()),
        }
    };
    let of_onboarding = json!({
        "TableName": table,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": format!("ONB#{STARTED}") } },
    });
    let found = call("Query", of_onboarding)?;
    let items = found["Items"].as_array().ok_or("a sample is not in the table")?;
    let id = items.iter().find_map(|item| item["sk"]["S"].as_str()?.strip_prefix("DLV#"));
    let id = id.ok_or("a sample has no event")?;
    for item in items {
        let text = item.to_string();
        if text.contains(id) {
            let item_of_event: Value = serde_json::from_str(&text.replace(id, EVENT))?;
            let put = json!({ "TableName": table, "Item": item_of_event });
            let delete = json!({ "TableName": table, "Key": { "pk": item["pk"], "sk": item["sk"] } });
            call("TransactWriteItems", json!({ "TransactItems": [{ "Put": put }, { "Delete": delete }] }))?;
        }
    }
    Ok(())
}

struct Put<'a> {
    client: &'a Client,
    simulator: &'a Simulator,
    hub: &'a HubContext,
    twins: &'a Twins,
}

impl Put<'_> {
    /// Gives a permit that does not run out, as the dispatcher would have given it a moment ago.
    async fn permit(&self, key: WorkKey, id: &str) -> Result<(), Error> {
        let state = self.twins.store.work(&key).await?.ok_or("a sample has nothing to be done")?;
        if !self.twins.store.take(&key, &state, id).await? {
            return Err("somebody else is at work with a sample".into());
        }
        self.rest(key).await
    }

    /// Leaves it as it is.
    async fn rest(&self, key: WorkKey) -> Result<(), Error> {
        let state = self.twins.store.work(&key).await?.ok_or("a sample has nothing to be done")?;
        let due = Due { key, due_at: state.due_at };
        Ok(self.twins.store.defer(&due, state.class, self.twins.clock.now() + AGES).await?)
    }

    /// The customer finishes the popup, and the real function proves it.
    async fn sign_up(&self, id: &str, account: &str) -> Result<(), Error> {
        let popup = self.client.popup(account, "finish").await?;
        let started = Started { id: id.to_owned(), setup_url: format!("/signup#{id}.{SETUP_TOKEN}") };
        self.client.es_callback(&started, &popup).await?.succeeded()?;
        Ok(())
    }

    /// Two numbers of one client are submitted and live, and nothing has been heard of it. Returns the client account.
    async fn channels(&self) -> Result<ClientId, Error> {
        let HubContext { hub, solution_id, secret, .. } = self.hub;
        let authorization = secret.value().await?.hub.authorization().ok_or("the samples need the Hub's API key")?;
        let ClientDetails { name, email, user_name } =
            serde_json::from_value(start_body("sample-live")["client"].take())?;
        let details = partner_hub::ClientDetails { name: &name, email: &email, user_name: &user_name };
        let client_id = hub.create_client(&authorization, details).await?;
        let settings = self.client.get("/simulator/settings", "").await?.succeeded()?;
        self.client.order("settings", &json!({ "live_after_ms": 0 })).await?;
        self.client.order("faults", &json!({ "route": "webhook", "lose": true, "times": 100 })).await?;
        for (id, account) in [(SUBMITTED, "one_number:submitted"), (LIVE, "one_number:live")] {
            self.sign_up(id, account).await?;
            let id: OnboardingId = id.parse()?;
            let found = Event::ClientFound { client_id: client_id.clone(), created: true };
            let onboarding = self.twins.store.apply(&id, &found).await?.into_stored().onboarding;
            let (waba_id, number) = onboarding.number().ok_or("a sample has no number")?;
            let submission = NumberSubmission {
                solution_id: solution_id.clone(),
                client_id: client_id.clone(),
                waba_id: waba_id.clone(),
                business_id: None,
                phone_number_id: number.id.clone(),
                tier: onboarding.tier.as_str(),
            };
            self.twins.store.apply(&id, &Event::SubmissionAsked).await?;
            hub.submit_number(&authorization, &submission).await?;
            self.simulator.run_due().await;
            self.twins.store.apply(&id, &Event::NumberAccepted).await?;
        }
        self.client.send(self.client.request(Method::DELETE, "/simulator/faults", "")).await?.succeeded()?;
        self.client.order("settings", &json!({ "live_after_ms": settings["live_after_ms"] })).await?;
        self.news().await?;
        Ok(client_id)
    }

    /// What the Hub would have told of the two: one is kept unread, the other is taken in.
    async fn news(&self) -> Result<(), Error> {
        let ledger = self.client.ledger().await?;
        let channels: Vec<_> =
            ledger["channels"].as_array().into_iter().flatten().map(|channel| &channel["id"]).collect();
        let [submitted, live] = channels.as_slice() else { return Err("the samples have no channels".into()) };
        let event_id = WEBHOOK.rsplit('#').next().unwrap_or_default();
        let body = json!({ "id": event_id, "event": "channel_live", "data": { "id": submitted } });
        let entry = NewInboxEntry {
            source: Source::PartnerHub,
            event_id: Some(event_id.to_owned()),
            name: "channel_live".to_owned(),
            body: body.to_string(),
        };
        self.twins.store.keep(&entry).await?;
        let channel_id = live.as_str().unwrap_or_default().parse()?;
        self.twins
            .store
            .apply(&LIVE.parse()?, &Event::ChannelLive { channel_id, made_at: Some(self.twins.clock.now()) })
            .await?;
        Ok(())
    }
}
