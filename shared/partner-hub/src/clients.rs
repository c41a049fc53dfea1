//! Client accounts: the lookup and the creation.

use exchange::{ClientId, id, text};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Call, Hub, HubCredentials, HubError, entries, page};

/// What a client account is created from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientDetails<'a> {
    /// The customer's organization.
    pub name: &'a str,
    /// E-mail address of the client user.
    pub email: &'a str,
    /// Name of the client user.
    pub user_name: &'a str,
}

/// One page of the client accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientsPage {
    /// Newest first.
    pub clients: Vec<Client>,
    /// Where the next page starts; `None` on the last.
    pub next_offset: Option<u32>,
}

/// A client account, as far as we look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// 360dialog's id.
    pub id: ClientId,
    /// Every e-mail address on it: `contact_info.email` and `contact_user.email`.
    pub emails: Vec<String>,
}

impl ClientsPage {
    /// The oldest client account on this page with this e-mail address. Case (of ASCII) and blanks around do not
    /// matter; everything else does, whatever the Hub's filter let through.
    pub fn find_by_email(&self, email: &str) -> Option<&ClientId> {
        let same = |other: &String| other.trim().eq_ignore_ascii_case(email.trim());
        self.clients.iter().rev().find(|client| client.emails.iter().any(same)).map(|client| &client.id)
    }
}

impl Client {
    fn read(value: &Value) -> Option<Self> {
        let emails = ["/contact_info/email", "/contact_user/email"];
        Some(Self {
            id: id(value, &["/id"])?,
            emails: emails.iter().filter_map(|email| text(value, &[email])).collect(),
        })
    }
}

impl Hub {
    /// `GET /partners/{partner_id}/clients`: at most 200 client accounts, newest first.
    ///
    /// Answer: `{clients: [{id, contact_info: {email}, contact_user: {email}}], total, limit, offset}`; entries without
    /// a usable `id` are skipped.
    ///
    /// Source: <https://docs.360dialog.com/partner/partner-api/api-reference/client-management>
    ///
    /// # Errors
    /// [`HubError`]; never unclear.
    pub async fn clients_page(&self, credentials: &HubCredentials, offset: u32) -> Result<ClientsPage, HubError> {
        self.clients(credentials, &page(offset, "-created_at"), offset).await
    }

    /// The same, of those that the Hub's filter ([`Hub::with_client_filter`]) lets through. It is known to be unreliable, so
    /// compare with [`ClientsPage::find_by_email`].
    ///
    /// # Errors
    /// [`HubError`]; never unclear.
    pub async fn clients_filtered(
        &self,
        credentials: &HubCredentials,
        email: &str,
        offset: u32,
    ) -> Result<ClientsPage, HubError> {
        let mut query = page(offset, "-created_at");
        if let Some(filter) = &self.client_filter {
            query.push(("filters", json!({filter: email}).to_string()));
        }
        self.clients(credentials, &query, offset).await
    }

    /// Whether a filter for client accounts is set.
    pub fn filters_clients(&self) -> bool {
        self.client_filter.is_some()
    }

    async fn clients(
        &self,
        credentials: &HubCredentials,
        query: &[(&str, String)],
        offset: u32,
    ) -> Result<ClientsPage, HubError> {
        let call = Call {
            method: Method::GET,
            route: "GET /partners/{partner_id}/clients",
            path: &["clients"],
            query,
            body: None,
        };
        let answer = self.call(credentials, call).await?;
        let (entries, next_offset) = entries(&answer, "clients", offset)?;
        Ok(ClientsPage { clients: entries.iter().filter_map(Client::read).collect(), next_offset })
    }

    /// `POST /partners/{partner_id}/account_sharing/clients` with `{name, email, user_name}`: creates a client account.
    ///
    /// Answer: `{id}`; some code in the wild reads `client_id`, so that is taken as well. Not idempotent, and the
    /// account may exist although the answer was 429 or 500: after an unclear error look it up before creating again.
    ///
    /// Source: <https://docs.360dialog.com/partner/partner-api/api-reference/account-sharing>
    ///
    /// # Errors
    /// [`HubError`]; a success without an id is an unclear [`HubError::Retry`].
    pub async fn create_client(
        &self,
        credentials: &HubCredentials,
        details: ClientDetails<'_>,
    ) -> Result<ClientId, HubError> {
        let body = json!({"name": details.name, "email": details.email, "user_name": details.user_name});
        let call = Call {
            method: Method::POST,
            route: "POST /partners/{partner_id}/account_sharing/clients",
            path: &["account_sharing", "clients"],
            query: &[],
            body: Some(&body),
        };
        let answer = self.call(credentials, call).await?;
        id(&answer, &["/id", "/client_id"])
            .ok_or_else(|| HubError::unreadable("the answer names no client id".to_owned(), true))
    }
}
