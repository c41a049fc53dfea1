//! Strangers: in every journey somebody tries to get a number, a channel or a key that is not theirs.

use fastrand::Rng;
use hmac::{Hmac, KeyInit, Mac};
use local::client::Started;
use local::settings::PLATFORM_SECRET;
use onboarding::Onboarding;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::fault_injection::Activity;
use crate::support::promise::list;
use crate::support::test_bench::TestBench;

/// Somebody who has a setup link, goes to Meta perhaps, and never proves a number of their own.
pub(crate) struct Stranger {
    pub(crate) started: Started,
}

/// What a stranger tries with the number of somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// Their own code, and the other's WABA and number beside it.
    OwnCode,
    /// A sign-up of the other's number, through the stranger's link.
    OtherLink,
    /// A signed webhook that gives the stranger the other's channel.
    Webhook,
    /// Meta's word that the other has finished, while the stranger is said to be at Meta.
    Report,
}

impl Stranger {
    /// Has a link, and says to be at Meta.
    pub(crate) async fn arrive(bench: &TestBench) -> Result<Self, String> {
        let stranger = Self { started: bench.start("stranger").await? };
        stranger.is_at_meta(bench).await;
        Ok(stranger)
    }

    async fn is_at_meta(&self, bench: &TestBench) {
        let opened = json!({"session": {"event": "OPENED", "data": {}}});
        bench.hand_over(&self.started, &opened).await;
    }

    /// Tries one thing or several to get the number of an account at Meta whose customer has, or had, this onboarding.
    pub(crate) async fn try_for(&self, bench: &TestBench, dice: &mut Rng, account: &str, victim: &Started) {
        let mut attempts = [Attempt::OwnCode, Attempt::OtherLink, Attempt::Webhook, Attempt::Report];
        dice.shuffle(&mut attempts);
        for attempt in attempts.into_iter().take(dice.usize(1..=4)) {
            self.is_at_meta(bench).await;
            match attempt {
                Attempt::OwnCode => {
                    let suffix = account.split_once(':').map_or("", |(_, suffix)| suffix);
                    let other = format!("other_customer:{suffix}");
                    let returned = bench.client.popup(&other, "finish").await.unwrap();
                    bench.hand_over(&self.started, &returned).await;
                }
                // Whoever proves a number first has it.
                Attempt::OtherLink if bench.onboarding(victim).await.number().is_none() => {}
                Attempt::OtherLink => {
                    let returned = bench.client.popup(account, "finish").await.unwrap();
                    bench.hand_over(&self.started, &returned).await;
                    // Of several numbers the stranger chooses the victim's.
                    let body = json!({"phone_number_id": bench.onboarding(victim).await.number().unwrap().1.id});
                    bench.choose(&self.started, &body).await;
                }
                Attempt::Webhook => self.forge(bench, victim).await,
                Attempt::Report => {
                    let _ = bench.report(account, "PARTNER_ADDED").await;
                }
            }
        }
    }

    /// Signed webhooks about the channel of the victim's number, once there is one, in the stranger's name.
    async fn forge(&self, bench: &TestBench, victim: &Started) {
        let (own, theirs) = (bench.onboarding(&self.started).await, bench.onboarding(victim).await);
        forge_live(bench, &own, &theirs).await;
    }

    /// Whether the stranger has nothing.
    pub(crate) async fn got_nothing(&self, bench: &TestBench) -> Result<(), String> {
        let onboarding = bench.onboarding(&self.started).await;
        let Onboarding { status, signup, channel_id, key, .. } = &onboarding;
        // What Meta has confirmed of several numbers gives none of them away.
        let number = signup.as_ref().and_then(|signup| signup.number.as_ref());
        if number.is_some() || channel_id.is_some() || key.is_some() {
            return Err(format!("a stranger is {status:?} with {number:?}, channel {channel_id:?}, key {key:?}"));
        }
        Ok(())
    }
}

/// A signed webhook that says that the channel of `theirs` is live for the number of `own`.
pub(crate) async fn forge_live(bench: &TestBench, own: &Onboarding, theirs: &Onboarding) {
    let ledger = bench.client.ledger().await.unwrap();
    let Some((_, number)) = theirs.number() else { return };
    let of_number = |channel: &&Value| channel["external_id"] == number.id.as_str();
    let Some(channel) = list(&ledger["channels"]).find(of_number) else { return };
    let data = json!({
        "id": channel["id"],
        "client_id": own.client_id(),
        "status": "ready",
        "account_mode": "live",
        "external_id": own.number().map(|(_, number)| &number.id),
        "waba_account": {"external_id": own.number().map(|(waba, _)| waba)},
    });
    let id = format!("evt_forged_{}_{}", own.id, channel["id"].as_str().unwrap_or_default());
    let body = json!({"id": id, "event": "channel_live", "data": data}).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(PLATFORM_SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    let headers = [("x-360dialog-signature", signature.as_str())];
    let body = serde_json::from_str(&body).unwrap();
    bench.post(Activity::WebhookReceipt, "/v1/webhooks/partner-hub", &headers, &body).await;
}
