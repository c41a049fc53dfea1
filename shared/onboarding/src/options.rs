//! What the partner may say of one onboarding when it starts it.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// Which kind of number is to be connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Connection {
    /// A number that is not on `WhatsApp` yet.
    NewNumber,
    /// A number that is in the `WhatsApp` Business app, and stays there (coexistence).
    BusinessApp,
    /// The customer decides in Meta's window.
    CustomerChooses,
}

impl Connection {
    /// Every kind.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word used in the API, the table and the settings.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads such a word.
    ///
    /// # Errors
    /// What it must be, for whoever wrote it.
    pub fn read(word: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().copied().find(|connection| connection.as_str() == word);
        known.ok_or_else(|| {
            let words: Vec<_> = Self::ALL.iter().map(|connection| connection.as_str()).collect();
            format!("must be one of {}", words.join(", "))
        })
    }
}

/// Where the messages of this number go, in place of where all others' do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageWebhook {
    /// The URL, which obeys 360dialog's rules.
    pub url: String,
    /// The names of the headers that 360dialog sends along.
    #[serde(default)]
    pub headers: Vec<String>,
    /// The headers with their values, sealed: base64url. Never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_headers: Option<String>,
}
