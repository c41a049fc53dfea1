//! The events for `sam local invoke`, in `events/`, and what comes of each: made from the data of the other tests, so that
//! neither can drift.

mod payload;

use local::client::{Client, start_body};
use local::samples::{
    self, EVENT, FAILED, LIVE, NOBODY, PERMITS, SETUP_TOKEN, SIGNED_UP, SIGNED_UP_ACCOUNT, SIGNING_UP,
    SIGNING_UP_ACCOUNT, STARTED, SUBMITTED,
};
use local::settings::{BACKEND_TOKEN, PLATFORM_SECRET, VERIFY_TOKEN};
use onboarding::Class;
use partner_hub::signature;
use payload::{Call, sqs};
use queue::{About, Step, Task};
use serde_json::{Value, json};
use simulator::Simulator;

/// Why something did not work.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The code that Meta's popup hands out in the event of a finished signup. The simulator is told so beforehand.
const CODE: &str = "AQmade-up-code-of-the-events";

/// A sample event.
pub struct Event {
    /// Function and case, as the file in `events/` is called.
    pub name: String,
    /// What the function gets.
    pub payload: Value,
    /// What the simulator is to be told before: what a customer did at Meta.
    pub popup: Option<Value>,
    /// What the function answers.
    pub answer: Answer,
    /// What it leaves behind.
    pub trace: Option<Trace>,
}

/// What an event leaves behind.
#[derive(Debug, Clone, Copy)]
pub enum Trace {
    /// In the history of this onboarding, an event of this name.
    History(&'static str, &'static str),
    /// On the event bus, the event with this id.
    Told(&'static str),
}

/// What a function answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The API: this HTTP status.
    Status(u16),
    /// A worker: the message is done with.
    Taken,
    /// A worker: the message failed.
    Failed,
    /// The stream, the schedules: nothing.
    Nothing,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Taken => f.write_str("message done"),
            Self::Failed => f.write_str("message failed"),
            Self::Nothing => f.write_str("done"),
        }
    }
}

impl Answer {
    /// Reads what a function answered. `None` if it is none of these.
    pub fn read(answer: &Value) -> Option<Self> {
        let failed = |answer: &Value| answer["batchItemFailures"].as_array().map(Vec::len);
        match (answer["statusCode"].as_u64(), failed(answer)) {
            (Some(status), _) => u16::try_from(status).ok().map(Self::Status),
            (None, Some(0)) => Some(Self::Taken),
            (None, Some(1)) if answer["batchItemFailures"][0]["itemIdentifier"] == payload::MESSAGE_ID => {
                Some(Self::Failed)
            }
            _ => answer.is_null().then_some(Self::Nothing),
        }
    }
}

impl Event {
    /// The function's name in the template.
    pub fn function(&self) -> String {
        in_template(self.name.split('.').next().unwrap_or(&self.name))
    }

    fn after(self, popup: Value) -> Self {
        Self { popup: Some(popup), ..self }
    }

    fn tells(self, onboarding: &'static str, event: &'static str) -> Self {
        Self { trace: Some(Trace::History(onboarding, event)), ..self }
    }

    fn puts(self, event_id: &'static str) -> Self {
        Self { trace: Some(Trace::Told(event_id)), ..self }
    }
}

/// A function's resource in the template: `key-creation` is `KeyCreation`.
fn in_template(function: &str) -> String {
    let words = function.split('-').filter_map(|word| word.split_at_checked(1));
    words.map(|(first, rest)| first.to_uppercase() + rest).collect()
}

fn event(name: impl Into<String>, payload: Value, answer: Answer) -> Event {
    Event { name: name.into(), payload, popup: None, answer, trace: None }
}

fn call(name: &'static str, call: Call, status: u16) -> Event {
    event(name, call.event(), Answer::Status(status))
}

/// All of them: `function` is what should happen, `function.case` another case.
///
/// # Errors
/// If a sample cannot be read or the simulator does not play.
pub async fn events() -> Result<Vec<Event>, Error> {
    let (popup, finished, number) = finished().await?;
    let refused = json!({ "code": "AQmade-up-code-of-nobody", "session": finished["session"] });
    let left = json!({ "session": sample_json("es.message.cancel_step")? });
    let start = start_body("tenant-1");
    let mut wrong = start.clone();
    wrong["client"]["email"] = "not an address".into();
    let live = sample("webhook.channel_live.full")?;
    let update = sample("meta.webhook.account_update_partner_added")?;
    let app_secret = simulator::Settings::default().app_secret;

    let starts = |body| Call::post("/onboardings", "/onboardings", body);
    let returns = |id: &str, body| Call::post("/onboardings/{id}/es-callback", &path(id, "/es-callback"), body);
    let retries = |id: &str| Call::post("/onboardings/{id}/retry", &path(id, "/retry"), &json!({}));
    let unclaimed = Call::get("/signups", "/signups").query([("state", "unclaimed")]);
    let claims = |id: &str| {
        let claim = json!({ "waba_id": "409812357760143", "phone_number_id": number });
        Call::post("/onboardings/{id}/claim", &path(id, "/claim"), &claim)
    };
    let chooses = |id: &str| {
        let choice = json!({ "phone_number_id": number });
        Call::post("/onboardings/{id}/number", &path(id, "/number"), &choice).token(SETUP_TOKEN)
    };
    let of_hub = |secret| Call::webhook("/webhooks/partner-hub", &live, signature::HEADER, secret, "");
    let of_meta = |secret| Call::webhook("/webhooks/meta", &update, "x-hub-signature-256", secret, "sha256=");
    let [of_started, of_signed_up, of_live, of_webhook, of_event] = PERMITS;
    let task =
        |about, permit: &str, class| body(&Task { about, permit: permit.to_owned(), class, after_failures: false });
    let onboarding = |id: &str, permit: &str| -> Result<Value, Error> {
        task(About::Onboarding { onboarding_id: id.parse()? }, permit, Class::Free)
    };
    let webhook = task(About::Inbox { inbox_key: samples::WEBHOOK.to_owned() }, of_webhook, Class::Free)?;
    let to_tell = About::Event { onboarding_id: Some(STARTED.parse()?), event_id: EVENT.parse()? };
    let to_tell = task(to_tell, of_event, Class::Delivery)?;
    let mut unreadable = onboarding(STARTED, of_started)?;
    unreadable["v"] = 1.into();

    let mut events = vec![
        call("signup-page", Call::get("/signup", "/signup"), 200),
        call("signup-page.asset", Call::get("/signup/{asset}", "/signup/page.js"), 200),
        call("signup-page.unknown-asset", Call::get("/signup/{asset}", "/signup/secrets.js"), 404),
        call("signup-page.return", Call::get("/signup/return", "/signup/return"), 200),
        call("onboardings", starts(&start).token(BACKEND_TOKEN), 201),
        call("onboardings.wrong-field", starts(&wrong).token(BACKEND_TOKEN), 422),
        call("onboardings.wrong-token", starts(&start).token("wrong"), 401),
        call("onboardings.list", Call::get("/onboardings", "/onboardings").token(BACKEND_TOKEN), 200),
        call("onboardings.show", Call::get("/onboardings/{id}", &path(STARTED, "")).token(BACKEND_TOKEN), 200),
        call("onboardings.retry", retries(FAILED).token(BACKEND_TOKEN), 202).tells(FAILED, "retry_requested"),
        call("onboardings.not-failed", retries(STARTED).token(BACKEND_TOKEN), 409),
        // Already chosen, so that choosing it again changes nothing.
        call("onboardings.number", chooses(SIGNED_UP), 202),
        call("onboardings.nothing-to-choose", chooses(STARTED), 409),
        call("onboardings.signups", unclaimed.token(BACKEND_TOKEN), 200),
        call("es-callback", returns(SIGNING_UP, &finished).token(SETUP_TOKEN), 200)
            .after(popup)
            .tells(SIGNING_UP, "signup_proven"),
        call("es-callback.cancelled", returns(STARTED, &left).token(SETUP_TOKEN), 200).tells(STARTED, "popup_left"),
        call("es-callback.refused-code", returns(STARTED, &refused).token(SETUP_TOKEN), 422)
            .tells(STARTED, "popup_left"),
        call("es-callback.unknown-signup", claims(STARTED).token(BACKEND_TOKEN), 409),
        call("es-callback.wrong-token", returns(STARTED, &finished).token("wrong"), 404),
        call("webhook-receipt", of_hub(PLATFORM_SECRET), 200),
        call("webhook-receipt.forged", of_hub("another secret"), 401),
        call("webhook-receipt.unsigned", Call::post("/webhooks/partner-hub", "/webhooks/partner-hub", &json!({})), 401),
        call("webhook-receipt.meta", of_meta(&app_secret), 200),
        call("webhook-receipt.meta-forged", of_meta("another secret"), 401),
        call(
            "webhook-receipt.meta-handshake",
            Call::get("/webhooks/meta", "/webhooks/meta").handshake(VERIFY_TOKEN),
            200,
        ),
        // One call with each permit: the first one searches.
        event("client-account", sqs("ClientAccountQueue", &onboarding(STARTED, of_started)?), Answer::Taken)
            .tells(STARTED, "client_searched"),
        event(
            "client-account.unknown",
            sqs("ClientAccountQueue", &onboarding(NOBODY, "sample-nobody")?),
            Answer::Taken,
        ),
        event("number-submission", sqs("NumberSubmissionQueue", &onboarding(SIGNED_UP, of_signed_up)?), Answer::Taken)
            .tells(SIGNED_UP, "number_accepted"),
        event("number-submission.webhook", sqs("NumberSubmissionQueue", &webhook), Answer::Taken)
            .tells(SUBMITTED, "channel_live"),
        event("key-creation", sqs("KeyCreationQueue", &onboarding(LIVE, of_live)?), Answer::Taken)
            .tells(LIVE, "messaging_ready"),
        event("event-publisher", sqs("Deliveries", &to_tell), Answer::Taken).puts(EVENT),
        event("reconciliation", payload::schedule("ReconciliationTurn"), Answer::Nothing),
        // The customer has signed up by then. What the dispatcher sends leads to the call.
        event("dispatcher", payload::stream(SIGNING_UP), Answer::Nothing).tells(SIGNING_UP, "client_searched"),
        event("dispatcher.minute", payload::schedule("DispatcherMinute"), Answer::Nothing)
            .tells(SIGNING_UP, "number_accepted"),
    ];
    events.extend(of_data());
    // Each worker refuses a message of another version.
    let workers = Step::queued().map(|step| {
        let function = step.as_str().replace('_', "-");
        let queue = format!("{}Queue", in_template(&function));
        (function, queue)
    });
    for (function, queue) in workers.chain([("event-publisher".to_owned(), "Deliveries".to_owned())]) {
        events.push(event(format!("{function}.unreadable"), sqs(&queue, &unreadable), Answer::Failed));
    }
    Ok(events)
}

/// What is kept about a customer is shown and not erased on the way; channels are brought in.
fn of_data() -> [Event; 3] {
    let export = Call::get("/onboardings/{id}/export", &path(STARTED, "/export"));
    let erase = Call::delete("/onboardings/{id}", &path(STARTED, ""));
    let import = Call::post("/imports", "/imports", &json!({ "dry_run": true }));
    [
        call("onboardings.export", export.token(BACKEND_TOKEN), 200),
        call("onboardings.not-at-rest", erase.token(BACKEND_TOKEN), 409),
        call("onboardings.import", import.token(BACKEND_TOKEN), 202),
    ]
}

/// A message's body, its members in the order of their names.
fn body(task: &Task) -> Result<Value, Error> {
    Ok(serde_json::from_str(&task.body()?)?)
}

fn path(id: &str, rest: &str) -> String {
    format!("/onboardings/{id}{rest}")
}

/// The order for a finished popup, what it returns to the page, and the number of the customer who has signed up before.
async fn finished() -> Result<(Value, Value, Value), Error> {
    let simulator = Simulator::start(simulator::Settings::default()).await?;
    let order = json!({ "account": SIGNING_UP_ACCOUNT, "code": CODE });
    let client = Client::new(&format!("http://{}", simulator.address()))?;
    let returned = client.order("popup", &order).await?;
    let before = client.order("popup", &json!({ "account": SIGNED_UP_ACCOUNT })).await?;
    drop(client);
    simulator.stop().await;
    Ok((order, returned, before["session"]["data"]["phone_number_id"].clone()))
}

fn sample(name: &str) -> Result<String, Error> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/samples");
    Ok(std::fs::read_to_string(format!("{folder}/{name}.json"))?)
}

fn sample_json(name: &str) -> Result<Value, Error> {
    Ok(serde_json::from_str(&sample(name)?)?)
}
