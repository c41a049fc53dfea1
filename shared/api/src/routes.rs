//! The routes of the API: the only list. Template, local gateway and API document are checked against it, or built from it.

use strum::IntoStaticStr;

/// One route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The HTTP method.
    pub method: &'static str,
    /// The path below the stage, with its parameters in braces. `{proxy+}` is every path that is no other route's.
    pub path: &'static str,
    /// The function that answers it.
    pub function: Function,
}

/// A function of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Function {
    /// The signup page and its files.
    SignupPage,
    /// Onboardings, for the partner's server and for the page; signups that nobody has claimed; imports; events.
    Onboardings,
    /// What Meta's popup returned, and what the partner claims.
    EsCallback,
    /// Webhooks of 360dialog and Meta.
    WebhookReceipt,
}

impl Function {
    /// Its folder below `functions/`.
    pub fn folder(self) -> &'static str {
        self.into()
    }

    /// Its resource in the template.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::SignupPage => "SignupPage",
            Self::Onboardings => "Onboardings",
            Self::EsCallback => "EsCallback",
            Self::WebhookReceipt => "WebhookReceipt",
        }
    }
}

/// Every route of the API.
pub const ROUTES: &[Route] = &[
    Route { method: "GET", path: "/signup", function: Function::SignupPage },
    Route { method: "HEAD", path: "/signup", function: Function::SignupPage },
    Route { method: "GET", path: "/signup/return", function: Function::SignupPage },
    Route { method: "HEAD", path: "/signup/return", function: Function::SignupPage },
    Route { method: "GET", path: "/signup/{asset}", function: Function::SignupPage },
    Route { method: "HEAD", path: "/signup/{asset}", function: Function::SignupPage },
    Route { method: "GET", path: "/{proxy+}", function: Function::SignupPage },
    Route { method: "HEAD", path: "/{proxy+}", function: Function::SignupPage },
    Route { method: "POST", path: "/onboardings", function: Function::Onboardings },
    Route { method: "GET", path: "/onboardings", function: Function::Onboardings },
    Route { method: "GET", path: "/onboardings/{id}", function: Function::Onboardings },
    Route { method: "POST", path: "/onboardings/{id}/number", function: Function::Onboardings },
    Route { method: "POST", path: "/onboardings/{id}/retry", function: Function::Onboardings },
    Route { method: "POST", path: "/onboardings/{id}/link", function: Function::Onboardings },
    Route { method: "DELETE", path: "/onboardings/{id}/link", function: Function::Onboardings },
    Route { method: "POST", path: "/onboardings/{id}/cancel", function: Function::Onboardings },
    Route { method: "POST", path: "/onboardings/{id}/disconnect", function: Function::Onboardings },
    Route { method: "POST", path: "/onboardings/{id}/reconnect", function: Function::Onboardings },
    Route { method: "POST", path: "/onboardings/{id}/rotate-key", function: Function::Onboardings },
    Route { method: "GET", path: "/onboardings/{id}/export", function: Function::Onboardings },
    Route { method: "DELETE", path: "/onboardings/{id}", function: Function::Onboardings },
    Route { method: "POST", path: "/onboardings/{id}/es-callback", function: Function::EsCallback },
    Route { method: "POST", path: "/onboardings/{id}/claim", function: Function::EsCallback },
    Route { method: "GET", path: "/signups", function: Function::Onboardings },
    Route { method: "POST", path: "/imports", function: Function::Onboardings },
    Route { method: "GET", path: "/imports/{id}", function: Function::Onboardings },
    Route { method: "GET", path: "/events", function: Function::Onboardings },
    Route { method: "POST", path: "/events/replay", function: Function::Onboardings },
    Route { method: "POST", path: "/events/test", function: Function::Onboardings },
    Route { method: "POST", path: "/webhooks/partner-hub", function: Function::WebhookReceipt },
    Route { method: "GET", path: "/webhooks/meta", function: Function::WebhookReceipt },
    Route { method: "POST", path: "/webhooks/meta", function: Function::WebhookReceipt },
];
