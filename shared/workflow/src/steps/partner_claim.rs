//! The partner says whose signup it is that Meta reported and no customer has claimed by a code.

use std::time::Instant;

use onboarding::{Event, Onboarding, PhoneNumber, PhoneNumberId, Signup, SignupSource, WabaId};
use store::{Stored, UnclaimedSignup};

use super::callback_error::CallbackError;
use super::es_callback::{EsCallback, proof_until};
use super::proof::{Claims, Expected, Proven};

/// Which signup the partner means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerClaim {
    /// Its WABA.
    pub waba_id: WabaId,
    /// The number to be onboarded.
    pub phone_number_id: PhoneNumberId,
}

impl EsCallback {
    /// Gives an unclaimed signup to an onboarding. Meta is asked where our system user may; what it refuses is refused. Else the
    /// partner's word stands. It ends before `deadline`, the end of the invocation.
    ///
    /// # Errors
    /// Why the signup is not given.
    pub async fn claim(
        &self,
        stored: Stored,
        claim: &PartnerClaim,
        deadline: Option<Instant>,
    ) -> Result<Stored, CallbackError> {
        let until = proof_until(Instant::now(), deadline);
        if stored
            .onboarding
            .number()
            .is_some_and(|(waba, number)| (waba, &number.id) == (&claim.waba_id, &claim.phone_number_id))
        {
            return Ok(stored);
        }
        if !stored.onboarding.takes_signup() {
            return Err(CallbackError::takes_none(&stored.onboarding));
        }
        let signup = self.store.unclaimed(&claim.waba_id).await?.ok_or(CallbackError::NotUnclaimed)?;
        let event = tokio::time::timeout_at(until.into(), self.checked(&stored.onboarding, claim, &signup)).await;
        let event = event.map_err(|_| CallbackError::late())??;
        Ok(self.store.apply(&stored.onboarding.id, &event).await?.into_stored())
    }

    /// The event that the claim is, checked with the token that Meta has issued for the signup, and against what the partner said
    /// at the start that it expects.
    async fn checked(
        &self,
        onboarding: &Onboarding,
        claim: &PartnerClaim,
        signup: &UnclaimedSignup,
    ) -> Result<Event, CallbackError> {
        let expected = Expected::of(onboarding);
        let secret = self.bundle.value().await?;
        let proof = &self.confirmation.proof;
        if let (Some(system_user), Some(business_id)) = (&secret.meta_system_user_token, &signup.business_id) {
            let app_secret = &secret.meta_app_secret;
            let token = proof.meta.fetch_token(app_secret, system_user, business_id).await?;
            let (waba_id, phone_number_id) = (Some(&claim.waba_id), Some(&claim.phone_number_id));
            let claims = Claims { waba_id, phone_number_id, coexistence: false };
            return proof.of(app_secret, &token, (claims, expected), Proven::ByPartner).await;
        }
        // Without a token nobody tells the digits of the number, so that an expected one cannot be given.
        let number = PhoneNumber { id: claim.phone_number_id.clone(), display_phone_number: None, verified_name: None };
        if expected.phone_number.is_some() {
            return Err(Expected::other_number());
        }
        expected.of_business(signup.business_id.clone())?;
        Ok(Event::SignupProven {
            signup: Signup {
                source: SignupSource::Partner,
                waba_id: Some(claim.waba_id.clone()),
                waba_name: None,
                business_id: signup.business_id.clone(),
                coexistence: false,
                number: Some(number),
                code_sha256: None,
            },
        })
    }
}
