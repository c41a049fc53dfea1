//! What Embedded Signup's popup told the page (`WA_EMBEDDED_SIGNUP` message event), as the page sends it on.
//!
//! Nothing in it is proven: it comes from a browser. Source:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/implementation>.

use std::str::FromStr;

use exchange::{BusinessId, InvalidId, PhoneNumberId, Text, WabaId, object, one_line};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Longest text that is kept, in characters.
const TEXT: usize = 500;
/// A word of Meta's or an id of its session, in characters.
const WORD: usize = 100;

/// One message event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What happened.
    pub event: SessionEvent,
    /// The event's name as Meta gave it.
    pub name: String,
    /// The WABA that the customer chose or created, as the browser claims.
    pub waba_id: Option<WabaId>,
    /// The number, as the browser claims. Absent after coexistence and where the screens for a number were skipped.
    pub phone_number_id: Option<PhoneNumberId>,
    /// The portfolio, as the browser claims.
    pub business_id: Option<BusinessId>,
    /// The screen on which the customer left, such as `PHONE_NUMBER_SETUP`.
    pub current_step: Option<String>,
    /// Meta's number of the error that the customer reported.
    pub error_code: Option<String>,
    /// Meta's text of that error.
    pub error_message: Option<String>,
    /// Meta's id of the popup session, for its support.
    pub session_id: Option<String>,
}

/// The members of `data` that are only shown.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Words {
    current_step: Text,
    error_code: Text,
    error_id: Text,
    error_message: Text,
    session_id: Text,
}

/// What happened in the popup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEvent {
    /// The customer went to Meta. Our page's word, not Meta's.
    Opened,
    /// Done, with a number.
    Finish,
    /// Done, without a number.
    FinishOnlyWaba,
    /// Done: the number stays in the WhatsApp Business app as well.
    FinishCoexistence,
    /// Done: an account that was run on the customer's behalf now is the customer's.
    FinishOboMigration,
    /// Done: the app was granted access and nothing else.
    FinishGrantOnlyApiAccess,
    /// The customer left, or reported an error. The popup may still be open and a finish may follow.
    Cancel,
    /// Meta reports an error. The popup may still be open and a finish may follow.
    Error,
    /// An event that is not known here.
    Other,
}

/// A field that cannot be what it should be. Names the field as in the request, never repeats its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct FieldError {
    /// Such as `session.data.waba_id`.
    pub field: String,
    /// A sentence for the sender.
    pub message: String,
}

impl FieldError {
    fn new(field: &str, message: &str) -> Self {
        Self { field: field.to_owned(), message: message.to_owned() }
    }
}

impl Session {
    /// Reads `{event, data}`; other members are ignored. Ids must be ids, since the signup is proven by them; texts are only
    /// shown, so they are taken on one line and cut: to 500 characters, and words to 100.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn from_json(session: &Value) -> Result<Self, FieldError> {
        let session = session.as_object().ok_or_else(|| FieldError::new("session", "must be an object"))?;
        let name = session
            .get("event")
            .and_then(Value::as_str)
            .ok_or_else(|| FieldError::new("session.event", "must be a string"))?;
        let empty = Map::new();
        let data = match session.get("data") {
            None | Some(Value::Null) => &empty,
            Some(Value::Object(data)) => data,
            Some(_) => return Err(FieldError::new("session.data", "must be an object")),
        };
        let Words { current_step, error_code, error_id, error_message, session_id } = object(data.clone().into());
        let cut = |text: Option<String>, longest| text.map(|text| one_line(&text, longest));
        Ok(Self {
            event: SessionEvent::named(name),
            name: one_line(name, WORD),
            waba_id: id(data, "waba_id")?,
            phone_number_id: id(data, "phone_number_id")?,
            business_id: id(data, "business_id")?,
            current_step: cut(current_step.0, WORD),
            // Older versions of Embedded Signup say `error_id`.
            error_code: cut(error_code.0.or(error_id.0), WORD),
            error_message: cut(error_message.0, TEXT),
            session_id: cut(session_id.0, WORD),
        })
    }

    /// Whether the customer went through to the end.
    pub const fn finished(&self) -> bool {
        match self.event {
            SessionEvent::Finish
            | SessionEvent::FinishOnlyWaba
            | SessionEvent::FinishCoexistence
            | SessionEvent::FinishOboMigration
            | SessionEvent::FinishGrantOnlyApiAccess => true,
            SessionEvent::Opened | SessionEvent::Cancel | SessionEvent::Error | SessionEvent::Other => false,
        }
    }
}

impl SessionEvent {
    fn named(name: &str) -> Self {
        match name {
            "OPENED" => Self::Opened,
            "FINISH" => Self::Finish,
            "FINISH_ONLY_WABA" => Self::FinishOnlyWaba,
            "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING" => Self::FinishCoexistence,
            "FINISH_OBO_MIGRATION" => Self::FinishOboMigration,
            "FINISH_GRANT_ONLY_API_ACCESS" => Self::FinishGrantOnlyApiAccess,
            "CANCEL" => Self::Cancel,
            "ERROR" => Self::Error,
            _ => Self::Other,
        }
    }
}

/// An id in `data`. Absent, null and empty are the same. A number is refused: the browser may have rounded it.
fn id<T: FromStr<Err = InvalidId>>(data: &Map<String, Value>, name: &str) -> Result<Option<T>, FieldError> {
    let field = format!("session.data.{name}");
    match data.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => {
            text.parse().map(Some).map_err(|error: InvalidId| FieldError::new(&field, &error.to_string()))
        }
        Some(_) => Err(FieldError::new(&field, "must be a string")),
    }
}
