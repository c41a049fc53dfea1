//! What partner and customer do, and do again when it does not work.

use fastrand::Rng;
use local::client::{Answer, Started};
use local::settings::BACKEND_TOKEN;
use onboarding::{ChannelId, EventId, Onboarding, Status};
use reqwest::Method;
use serde_json::{Value, json};
use store::Stored;
use time::Duration;

use crate::support::fault_injection::Activity;
use crate::support::promise::Promise;
use crate::support::telling::Replay;
use crate::support::test_bench::{TestBench, Times};
use onboarding::Step;

/// An import of one channel is through after so many minutes, whatever goes wrong once.
const IMPORTED_WITHIN: u32 = 120;

/// One of several.
pub(crate) fn one_of<T: Copy>(dice: &mut Rng, choices: &[T]) -> T {
    choices[dice.usize(..choices.len())]
}

/// How messages and callers behave.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manners {
    /// Makes them behave badly, now and then.
    dice: Option<Rng>,
    /// How often, of a hundred times.
    often: u8,
}

impl Manners {
    pub(crate) fn random(dice: &mut Rng) -> Self {
        Self { often: one_of(dice, &[0, 3, 10]), dice: Some(dice.fork()) }
    }

    /// How often something is done that should be done once.
    pub(crate) fn times(&mut self) -> Times {
        match self.now_and_then() {
            Some(dice) => one_of(dice, &[Times::InARow(2), Times::AtOnce(2), Times::AtOnce(4)]),
            None => Times::InARow(1),
        }
    }

    /// In which order messages come.
    pub(crate) fn order<T>(&mut self, messages: &mut [T]) {
        if let Some(dice) = self.now_and_then() {
            dice.shuffle(messages);
        }
    }

    /// By how much the clock jumps: forward by up to hours, back by moments.
    pub(crate) fn jump(&mut self) -> Duration {
        match self.now_and_then() {
            Some(dice) => {
                let farthest = one_of(dice, &[3_000, 3_000, 3_000, 60_000, 7_200_000]);
                Duration::milliseconds(dice.i64(-3_000..farthest))
            }
            None => Duration::ZERO,
        }
    }

    fn now_and_then(&mut self) -> Option<&mut Rng> {
        let dice = self.dice.as_mut()?;
        (dice.u8(..100) < self.often).then_some(dice)
    }
}

/// How often somebody tries before giving up.
const TRIES: usize = 12;
/// For how long the page sends the same code again.
const CODE_LIFE: Duration = Duration::seconds(25);

impl TestBench {
    /// The partner starts an onboarding, again with the same idempotency key until there is an answer.
    pub(crate) async fn start(&self, reference: &str) -> Result<Started, String> {
        let authorization = format!("Bearer {BACKEND_TOKEN}");
        let headers = [("authorization", authorization.as_str()), ("idempotency-key", reference)];
        let mut body = local::client::start_body(reference);
        body["return_url"] = json!(format!("https://partner.example/back/{reference}"));
        self.private.lock().unwrap().start(&body);
        let mut last = None;
        for _ in 0..TRIES {
            last = self.post(Activity::Start, "/v1/onboardings", &headers, &body).await;
            if let Some(Answer { status: 201, body }) = last {
                let started: Started = serde_json::from_value(body).map_err(|error| error.to_string())?;
                self.private.lock().unwrap().add("a setup token", started.token());
                return Ok(started);
            }
            self.pass(Duration::seconds(2));
        }
        Err(format!("not started: {last:?}"))
    }

    /// The customer opens the popup and finishes it, again until the page says that it is done.
    pub(crate) async fn sign_up(&self, started: &Started, account: &str) -> Result<(), String> {
        let mut last = None;
        for _ in 0..TRIES {
            let returned = self.client.popup(account, "finish").await.unwrap();
            last = self.hand_over(started, &returned).await;
            match &last {
                Some(Answer { status: 200, .. }) if Box::pin(self.is_confirmed(started)).await => {
                    return self.choose_number(started).await;
                }
                Some(Answer { body, .. }) if body["code"] == "already_signed_up" => {
                    return self.choose_number(started).await;
                }
                _ => self.live(Duration::seconds(40)).await,
            }
        }
        Err(format!("not signed up: {last:?}"))
    }

    /// Whether the signup is this customer's, once Meta has said so or not.
    async fn is_confirmed(&self, started: &Started) -> bool {
        for _ in 0..TRIES {
            match self.onboarding(started).await.signup_status() {
                Status::Started => return false,
                Status::Confirming => self.live(Duration::minutes(5)).await,
                _ => return true,
            }
        }
        false
    }

    /// The page posts what the popup returned, again while there is no answer or it is being handled.
    pub(crate) async fn hand_over(&self, started: &Started, returned: &Value) -> Option<Answer> {
        let path = format!("/v1/onboardings/{}/es-callback", started.id);
        self.private.lock().unwrap().add("a code", returned["code"].as_str().unwrap_or_default());
        let until = self.now() + CODE_LIFE;
        let mut wait = Duration::SECOND;
        loop {
            let answer = self
                .post(Activity::Step(Step::EsCallback), &path, &[("authorization", &bearer(started))], returned)
                .await;
            let again = answer.as_ref().is_none_or(|answer| answer.body["code"] == "in_progress");
            if !again || self.now() + wait > until {
                return answer;
            }
            self.live(wait).await;
            wait *= 2;
        }
    }

    /// The customer goes to Meta, of which the page tells, and finishes there, of which it does not. Meta reports it, again
    /// until it is heard.
    pub(crate) async fn close_tab(&self, started: &Started, account: &str, events: &[&str]) -> Result<(), String> {
        let opened = json!({"session": {"event": "OPENED", "data": {}}});
        let mut last = None;
        for _ in 0..TRIES {
            last = self.hand_over(started, &opened).await;
            if last.as_ref().is_some_and(|answer| answer.status == 200) {
                break;
            }
            self.live(Duration::seconds(2)).await;
        }
        if last.as_ref().is_none_or(|answer| answer.status != 200) {
            return Err(format!("not told of the popup: {last:?}"));
        }
        for event in events {
            self.report(account, event).await?;
        }
        self.live(Duration::minutes(30)).await;
        Ok(())
    }

    /// The partner says whose the signup is that Meta has reported, and says it again until there is an answer. Whether the
    /// popup names a number to claim.
    pub(crate) async fn claim(&self, started: &Started, account: &str) -> Result<bool, String> {
        let returned = self.client.popup(account, "finish").await.unwrap();
        let data = &returned["session"]["data"];
        let claim = json!({"waba_id": data["waba_id"], "phone_number_id": data["phone_number_id"]});
        if !claim["phone_number_id"].is_string() {
            return Ok(false);
        }
        let path = format!("/v1/onboardings/{}/claim", started.id);
        let authorization = format!("Bearer {BACKEND_TOKEN}");
        let mut last = None;
        for _ in 0..TRIES {
            last = self.post(Activity::Claim, &path, &[("authorization", &authorization)], &claim).await;
            if last.as_ref().is_some_and(|answer| answer.status == 200) {
                return Ok(true);
            }
            // The report is looked into after ten minutes, if that does not fail.
            self.live(Duration::minutes(20)).await;
        }
        Err(format!("not claimed: {last:?}"))
    }

    /// Meta reports that a customer finished.
    pub(crate) async fn report(&self, account: &str, event: &str) -> Result<(), String> {
        let order = json!({"account": account, "event": event});
        for _ in 0..TRIES {
            let sent = self.client.order("account_update", &order);
            let answer = self.injection.invoke(Activity::WebhookReceipt, sent).await;
            if matches!(answer, Some(Ok(answer)) if answer["status"] == 200) {
                return Ok(());
            }
            self.live(Duration::minutes(1)).await;
        }
        Err(format!("{event} was not taken"))
    }

    /// The operator has the failed step tried again, and asks for it again until there is an answer.
    pub(crate) async fn retry(&self, started: &Started, body: &Value) -> Result<(), String> {
        let path = format!("/v1/onboardings/{}/retry", started.id);
        self.private.lock().unwrap().start(body);
        let authorization = format!("Bearer {BACKEND_TOKEN}");
        let mut last = None;
        for _ in 0..TRIES {
            last = self.post(Activity::Retry, &path, &[("authorization", &authorization)], body).await;
            match &last {
                Some(Answer { status: 202, .. }) => return Ok(()),
                // It was done, and the answer was lost.
                Some(Answer { body, .. }) if body["code"] == "not_retryable" => return Ok(()),
                _ => self.live(Duration::seconds(2)).await,
            }
        }
        Err(format!("not retried: {last:?}"))
    }

    /// The partner wants something of an onboarding (`rotate-key`, `disconnect`, …), again until there is an answer. Whether it
    /// fits how the onboarding is.
    pub(crate) async fn want(&self, started: &Started, order: &str) -> Result<bool, String> {
        let path = format!("/v1/onboardings/{}/{order}", started.id);
        let authorization = format!("Bearer {BACKEND_TOKEN}");
        let mut last = None;
        for _ in 0..TRIES {
            last = self.post(Activity::Order, &path, &[("authorization", &authorization)], &json!({})).await;
            match last.as_ref().map(|answer| answer.status) {
                Some(202) => return Ok(true),
                Some(409) => return Ok(false),
                _ => self.live(Duration::seconds(2)).await,
            }
        }
        Err(format!("{order} is not taken: {last:?}"))
    }

    /// The partner has an onboarding erased that is at rest, again until there is an answer.
    pub(crate) async fn erase(&self, started: &Started) -> Result<(), String> {
        let path = format!("/v1/onboardings/{}", started.id);
        let authorization = format!("Bearer {BACKEND_TOKEN}");
        let mut last = None;
        for _ in 0..TRIES {
            let headers = [("authorization", authorization.as_str())];
            last = self.request(Activity::Order, Method::DELETE, &path, &headers, &Value::Null).await;
            if let Some(Answer { status: 200, .. }) = last {
                return Ok(());
            }
            self.live(Duration::seconds(2)).await;
        }
        Err(format!("it is not erased: {last:?}"))
    }

    /// The partner imports a channel that somebody made at 360dialog, again until there is an answer. What must follow from it.
    pub(crate) async fn import(&self) -> Result<Promise, String> {
        let made = self.client.post("/simulator/channels", "", &json!({"account": "one_number"})).await.unwrap();
        let channel_id: ChannelId = made.body["channel"]["id"].as_str().unwrap().parse().unwrap();
        {
            // Nobody knows of it but the partner, and no link is made.
            let mut private = self.private.lock().unwrap();
            private.start(&local::client::start_body("tenant-1"));
            private.add("a return address", "an address that was never given");
            private.add("a setup token", "a link that was never made");
        }
        let wanted = json!({"channels": [{"channel_id": channel_id, "reference": "tenant-1"}]});
        let authorization = format!("Bearer {BACKEND_TOKEN}");
        let mut last = None;
        for _ in 0..TRIES {
            let headers = [("authorization", authorization.as_str())];
            last = self.post(Activity::Order, "/v1/imports", &headers, &wanted).await;
            if last.as_ref().is_some_and(|answer| answer.status == 202) {
                break;
            }
            self.live(Duration::seconds(2)).await;
        }
        let store = &self.stack.twins.store;
        for _ in 0..IMPORTED_WITHIN {
            self.live(Duration::minutes(1)).await;
            let Some(id) = store.channel_owner(&channel_id).await.unwrap() else { continue };
            let now = store.get(&id).await.unwrap().onboarding;
            let Onboarding { reference, client, created_at, .. } = *now;
            let first = Onboarding::new(id.clone(), reference, client, String::new(), created_at, created_at);
            let first = Stored { onboarding: Box::new(first), version: 1 };
            let started = Started { id: id.to_string(), setup_url: String::new() };
            return Ok(Promise { started, first, ends: Status::Ready, submissions: 0 });
        }
        Err(format!("the channel is not imported: {last:?}"))
    }

    /// The partner renews the setup link, again until there is an answer.
    pub(crate) async fn renew(&self, started: &Started) -> Result<Started, String> {
        let path = format!("/v1/onboardings/{}/link", started.id);
        let authorization = format!("Bearer {BACKEND_TOKEN}");
        let mut last = None;
        for _ in 0..TRIES {
            last = self.post(Activity::Order, &path, &[("authorization", &authorization)], &json!({})).await;
            if let Some(Answer { status: 201, body }) = last {
                let renewed: Started = serde_json::from_value(body).map_err(|error| error.to_string())?;
                self.private.lock().unwrap().add("a setup token", renewed.token());
                return Ok(renewed);
            }
            self.live(Duration::seconds(2)).await;
        }
        Err(format!("the link is not renewed: {last:?}"))
    }

    /// The partner asks for so many events that nothing happened for.
    pub(crate) async fn ask_for_tests(&self, count: usize) {
        let authorization = format!("Bearer {BACKEND_TOKEN}");
        for _ in 0..count {
            self.post(Activity::Replay, "/v1/events/test", &[("authorization", &authorization)], &json!({})).await;
        }
    }

    /// The partner has the events after this one told once more, and asks for it again until there is an answer.
    pub(crate) async fn replay(&self, after: EventId) -> Result<(), String> {
        let asked_at = self.now();
        let authorization = format!("Bearer {BACKEND_TOKEN}");
        let mut last = None;
        for _ in 0..TRIES {
            let headers = [("authorization", authorization.as_str())];
            last = self.post(Activity::Replay, "/v1/events/replay", &headers, &json!({"after": after})).await;
            if last.as_ref().is_some_and(|answer| answer.status == 202) {
                self.replays.lock().unwrap().push(Replay { after, asked_at });
                return Ok(());
            }
            self.live(Duration::seconds(2)).await;
        }
        Err(format!("no replay: {last:?}"))
    }

    /// The customer chooses the first number, if there are several.
    pub(crate) async fn choose_number(&self, started: &Started) -> Result<(), String> {
        let mut last = None;
        for _ in 0..TRIES {
            let onboarding = self.onboarding(started).await;
            if onboarding.signup_status() != Status::NumberChoice {
                return Ok(());
            }
            let body = json!({"phone_number_id": onboarding.numbers[0].number.id});
            last = self.choose(started, &body).await;
            self.live(Duration::seconds(2)).await;
        }
        Err(format!("no number chosen: {last:?}"))
    }

    /// The choice of a number, once.
    pub(crate) async fn choose(&self, started: &Started, body: &Value) -> Option<Answer> {
        let path = format!("/v1/onboardings/{}/number", started.id);
        self.post(Activity::NumberChoice, &path, &[("authorization", &bearer(started))], body).await
    }

    /// How an onboarding is now.
    pub(crate) async fn onboarding(&self, started: &Started) -> Onboarding {
        *self.stack.twins.store.get(&started.id.parse().unwrap()).await.unwrap().onboarding
    }
}

fn bearer(started: &Started) -> String {
    format!("Bearer {}", started.token())
}
