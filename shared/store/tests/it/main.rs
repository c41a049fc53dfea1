//! The store against an embedded DynamoDB, through the real SDK over HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod codes;
mod deletion;
mod dispatch;
mod filters;
mod inbox;
mod lists;
mod operations;
mod records;
mod round_trip;
mod search;
mod signups;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use exchange::Clock;
use onboarding::{
    ClientAccount, ClientDetails, ClientSearch, Event, Onboarding, OnboardingId, PhoneNumber, Signup, SignupSource,
};
use store::{Store, StoreError, schema};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

const TABLE: &str = "onboardings";
const START: OffsetDateTime = datetime!(2026-03-02 09:00 UTC);

/// A table of its own for each test, and the time, which stands still until a test moves it.
struct TestBench {
    store: Store,
    client: Client,
    clock: Clock,
    milliseconds: Arc<AtomicI64>,
}

impl TestBench {
    async fn new() -> Self {
        let endpoint = embedded_dynamodb::serve(embedded_dynamodb::in_memory().unwrap()).await.unwrap();
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-central-1"))
            .endpoint_url(endpoint)
            .http_client(exchange::aws_sdk::http_client(exchange::client().unwrap()))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .build();
        let client = Client::from_conf(config);
        schema::create_table(&client, TABLE).await.unwrap();

        let milliseconds = Arc::new(AtomicI64::new(START.unix_timestamp() * 1000));
        let time = Arc::clone(&milliseconds);
        let clock =
            Clock::from_fn(move || OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(time.load(Ordering::SeqCst)));
        Self { store: Store::new(client.clone(), TABLE.to_owned(), clock.clone()), client, clock, milliseconds }
    }

    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(self.milliseconds.load(Ordering::SeqCst))
    }

    fn pass(&self, time: Duration) {
        self.milliseconds.fetch_add(i64::try_from(time.whole_milliseconds()).unwrap(), Ordering::SeqCst);
    }

    async fn create(&self, reference: &str) -> OnboardingId {
        let onboarding = onboarding(reference, self.now());
        self.store.create(&onboarding, None).await.unwrap();
        onboarding.id
    }

    async fn apply(&self, id: &OnboardingId, event: Event) -> Result<Onboarding, StoreError> {
        self.store.apply(id, &event).await.map(|applied| *applied.into_stored().onboarding)
    }

    /// Gives an item an attribute that the store would not.
    async fn tamper(&self, pk: String, sk: &str, attribute: &str, value: AttributeValue) {
        self.client
            .update_item()
            .table_name(TABLE)
            .key("pk", AttributeValue::S(pk))
            .key("sk", AttributeValue::S(sk.to_owned()))
            .update_expression("SET #a = :a")
            .expression_attribute_names("#a", attribute)
            .expression_attribute_values(":a", value)
            .send()
            .await
            .unwrap();
    }
}

fn onboarding(reference: &str, now: OffsetDateTime) -> Onboarding {
    let details =
        ClientDetails { name: "Acme".to_owned(), email: "kim@acme.example".to_owned(), user_name: "Kim".to_owned() };
    let client = ClientAccount::Wanted { details, search: ClientSearch::Open };
    let (token_sha256, link_expires_at) = ("00".repeat(32), now + Duration::days(7));
    Onboarding::new(OnboardingId::generate(), reference.to_owned(), client, token_sha256, link_expires_at, now)
}

fn signup_proven(phone_number_id: &str) -> Event {
    let number = PhoneNumber { id: phone_number_id.parse().unwrap(), display_phone_number: None, verified_name: None };
    let signup = Signup {
        source: SignupSource::Callback,
        waba_id: Some("409812357760143".parse().unwrap()),
        waba_name: None,
        business_id: None,
        number: Some(number),
        coexistence: false,
        code_sha256: None,
    };
    Event::SignupProven { signup }
}

fn client_found(client_id: &str) -> Event {
    Event::ClientFound { client_id: client_id.parse().unwrap(), created: true }
}

fn channel_live(channel_id: &str) -> Event {
    Event::ChannelLive { channel_id: channel_id.parse().unwrap(), made_at: None }
}
