//! Settings of the signup page.

use onboarding::Connection;
use serde_json::{Map, Value};
use time::Duration;
use url::Url;

use super::providers::{partner_id, solution_id};
use super::{Brand, Env, Incomplete, base_url, digits};

settings! {
    META_CONFIG_ID: required "MetaConfigId", "Id of the Facebook Login for Business configuration that opens Embedded Signup.";
    META_EXTRAS: parameter "MetaExtras" = "{}", "Additional members of extras for Meta's popup, a JSON object.";
    CONNECTION: parameter "Connection" = "customer_chooses", "Which kind of number is connected where the start of an onboarding does not say - new_number, business_app or customer_chooses.";
    COEXISTENCE_SOLUTION_ID: parameter "CoexistenceSolutionId" = "true", "Whether SolutionId goes into Meta's popup also for a number that stays in the WhatsApp Business app - true or false.";
    META_SDK_URL: parameter "MetaSdkUrl" = "https://connect.facebook.net", "Origin from which the page loads Meta's JavaScript SDK.";
    META_DIALOG_URL: parameter "MetaDialogUrl" = "https://www.facebook.com", "Meta's full-page sign-in.";
    RETURN_URL_ORIGINS: parameter "ReturnUrlOrigins" = "", "Origins, separated by commas, that a return_url may have, such as https://app.example.com. Empty - none.";
    SETUP_LINK_DAYS: parameter "SetupLinkDays" = "7", "Days until a setup link expires.";
    PUBLIC_URL: parameter "PublicUrl" = "", "Public URL of the API if a proxy stands in front of it. Empty - its own domain.";
    PERMISSION_URL: parameter "PermissionUrl" = "", "Page on which clients grant API-key permission; {partner_id} stands for HubPartnerId. Empty - 360dialog's page.";
    FRAME_ANCESTORS: parameter "FrameAncestors" = "", "Origins, separated by commas, whose pages may embed the signup page in a frame. Empty - none.";
}

/// The signup page and the links that lead to it.
#[derive(Debug, Clone)]
pub struct PageConfig {
    /// `META_CONFIG_ID`: the Facebook Login for Business configuration that opens Embedded Signup.
    pub config_id: String,
    /// `SOLUTION_ID`: the Multi-Partner Solution shared with 360dialog.
    pub solution_id: String,
    /// `META_EXTRAS`: further members of `extras` for Meta's popup. A JSON object.
    pub extras: Map<String, Value>,
    /// `CONNECTION`: which kind of number is connected where the onboarding does not say.
    pub connection: Connection,
    /// `COEXISTENCE_SOLUTION_ID`: whether the solution goes into the popup where the number stays in the `WhatsApp` Business app.
    pub coexistence_solution_id: bool,
    /// `META_SDK_URL`: where Meta's JavaScript SDK is loaded from.
    pub sdk_url: Url,
    /// `META_DIALOG_URL`: below which Meta's full-page sign-in is, `/{version}/dialog/oauth`.
    pub dialog_url: Url,
    /// `RETURN_URL_ORIGINS`: origins, separated by commas, to which a customer may be led back.
    pub return_origins: Vec<url::Origin>,
    /// `SETUP_LINK_DAYS`: how long a setup link works. 1 to 90 days.
    pub link_lifetime: Duration,
    /// `PUBLIC_URL`: this API as customers reach it, with its stage, where that is not the API's own domain.
    pub public_url: Option<Url>,
    /// `PERMISSION_URL`: where clients grant API-key permission; `{partner_id}` stands for `HUB_PARTNER_ID`.
    pub permission_url: Url,
    /// `FRAME_ANCESTORS`: origins, separated by commas, whose pages may frame the signup page.
    pub frame_ancestors: Vec<url::Origin>,
    /// Whose page it is.
    pub brand: Brand,
}

impl PageConfig {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let config_id = env.required_parsed(META_CONFIG_ID, digits(5, 20));
        let solution_id = solution_id(env);
        let extras =
            env.parsed(META_EXTRAS, |text| serde_json::from_str(text).map_err(|_| "must be a JSON object".to_owned()));
        let connection = env.parsed(CONNECTION, Connection::read);
        let coexistence_solution_id = env.parsed(COEXISTENCE_SOLUTION_ID, true_or_false);
        let sdk_url = env.parsed(META_SDK_URL, base_url);
        let dialog_url = env.parsed(META_DIALOG_URL, base_url);
        let return_origins = env.parsed(RETURN_URL_ORIGINS, origins);
        let link_lifetime = env.parsed(SETUP_LINK_DAYS, link_lifetime);
        let public_url = env.optional_parsed(PUBLIC_URL, base_url);
        let permission_url = permission_url(env);
        let frame_ancestors = env.parsed(FRAME_ANCESTORS, origins);
        let brand = Brand::read(env);
        Ok(Self {
            config_id: config_id?,
            solution_id: solution_id?,
            extras: extras?,
            connection: connection?,
            coexistence_solution_id: coexistence_solution_id?,
            sdk_url: sdk_url?,
            dialog_url: dialog_url?,
            return_origins: return_origins?,
            link_lifetime: link_lifetime?,
            public_url: public_url?,
            permission_url: permission_url?,
            frame_ancestors: frame_ancestors?,
            brand: brand?,
        })
    }
}

#[cfg(feature = "dependencies")]
impl PageConfig {
    /// What setup views are made with.
    pub fn signup_settings(&self, meta: &super::MetaConfig) -> api::view::SignupSettings {
        api::view::SignupSettings {
            app_id: meta.app_id.clone(),
            graph_version: meta.graph_version.clone(),
            config_id: self.config_id.clone(),
            solution_id: self.solution_id.clone(),
            extras: self.extras.clone(),
            connection: self.connection,
            coexistence_solution_id: self.coexistence_solution_id,
            dialog_url: self.dialog_url.clone(),
            permission_url: self.permission_url.clone(),
        }
    }
}

fn true_or_false(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "must be true or false".to_owned())
}

fn origins(text: &str) -> Result<Vec<url::Origin>, String> {
    super::list(text)
        .map(|origin| match base_url(origin) {
            Ok(url) if url.path() == "/" => Ok(url.origin()),
            _ => Err("must be origins separated by commas, such as https://app.example.com".to_owned()),
        })
        .collect()
}

fn link_lifetime(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(days @ 1..=90) => Ok(Duration::days(days)),
        _ => Err("must be a number of days from 1 to 90".to_owned()),
    }
}

fn permission_url(env: &mut Env) -> Result<Url, Incomplete> {
    const OF_360DIALOG: &str = "https://hub.360dialog.com/dashboard/app/{partner_id}/permissions";

    let text = env.optional_parsed(PERMISSION_URL, |text| Ok(text.to_owned()))?;
    let mut text = text.unwrap_or_else(|| OF_360DIALOG.to_owned());
    if text.contains("{partner_id}") {
        text = text.replace("{partner_id}", &partner_id(env)?);
    }
    base_url(&text).map_err(|reason| env.problem(PERMISSION_URL, reason))
}
