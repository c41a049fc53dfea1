//! The id of an onboarding. Those of the platforms come from [`exchange`].

use uuid::Uuid;

exchange::id!(
    /// One onboarding: `onb_` and a `UUIDv7` without dashes, so that ids sort by the time they were made.
    OnboardingId, "an onboarding id: onb_ and 32 hexadecimal digits",
    |text| text.strip_prefix("onb_").is_some_and(|hex| {
        hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
);

impl OnboardingId {
    /// A new id for the present moment.
    pub fn generate() -> Self {
        Self(format!("onb_{}", Uuid::now_v7().simple()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_onboarding_id_has_the_documented_form() {
        let id = OnboardingId::generate();
        assert_eq!(id.as_str().len(), 36);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert!(id <= OnboardingId::generate());
    }

    #[test]
    fn an_onboarding_id_refuses_what_is_none() {
        for text in ["", "onb_", "onb_0190000000007000800000000000000G", "ONB_01900000000070008000000000000000", "../x"]
        {
            assert!(text.parse::<OnboardingId>().is_err(), "{text}");
        }
    }
}
