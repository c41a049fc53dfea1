//! Client accounts: the lookup and the creation.

use exchange::{ClientId, Lenient, List, Text, object};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Authorization, Call, Hub, HubError, next_offset, page, readable};

/// What a client account is created from, as it is sent: `{name, email, user_name}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
    /// Entries that cannot be read, which are left out: no objects, or without a usable `id`.
    pub unreadable: usize,
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
        let email = exchange::folded_email(email);
        let same = |other: &String| exchange::folded_email(other) == email;
        self.clients.iter().rev().find(|client| client.emails.iter().any(same)).map(|client| &client.id)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ClientShape {
    id: Text<ClientId>,
    contact_info: Lenient<ContactShape>,
    contact_user: Lenient<ContactShape>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ContactShape {
    email: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Listing {
    clients: List<ClientShape>,
    total: Lenient<Option<u64>>,
    limit: Lenient<Option<u64>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Created {
    id: Text,
    client_id: Text,
}

impl ClientShape {
    /// The client account; `None` without a usable `id`.
    fn read(self) -> Option<Client> {
        let emails = [self.contact_info.0.email.0, self.contact_user.0.email.0].into_iter().flatten().collect();
        Some(Client { id: self.id.0?, emails })
    }
}

impl Hub {
    /// `GET /partners/{partner_id}/clients`: at most 200 client accounts, newest first.
    ///
    /// Answer: `{clients: [{id, contact_info: {email}, contact_user: {email}}], total, limit, offset}`; entries without
    /// a usable `id` are counted and left out.
    ///
    /// Source: <https://docs.360dialog.com/partner/partner-api/api-reference/client-management>
    ///
    /// # Errors
    /// [`HubError`]; never unclear.
    pub async fn clients_page(&self, authorization: &Authorization, offset: u32) -> Result<ClientsPage, HubError> {
        self.clients(authorization, &page(offset, "-created_at"), offset).await
    }

    /// The same, of those that the Hub's filter ([`Hub::with_client_filter`]) lets through. It is known to be unreliable, so
    /// compare with [`ClientsPage::find_by_email`].
    ///
    /// # Errors
    /// [`HubError`]; never unclear.
    pub async fn clients_filtered(
        &self,
        authorization: &Authorization,
        email: &str,
        offset: u32,
    ) -> Result<ClientsPage, HubError> {
        let mut query = page(offset, "-created_at");
        if let Some(filter) = &self.client_filter {
            query.push(("filters", json!({filter: email}).to_string()));
        }
        self.clients(authorization, &query, offset).await
    }

    /// Whether a filter for client accounts is set.
    pub fn filters_clients(&self) -> bool {
        self.client_filter.is_some()
    }

    async fn clients(
        &self,
        authorization: &Authorization,
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
        let answer = self.call(authorization, call).await?;
        let Listing { clients, total, limit } = object(answer);
        let entries = clients.0.ok_or_else(|| HubError::no_list("clients"))?;
        let next_offset = next_offset(offset, entries.len(), total.0, limit.0);
        let (clients, unreadable) = readable(entries, ClientShape::read);
        Ok(ClientsPage { clients, next_offset, unreadable })
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
        authorization: &Authorization,
        details: ClientDetails<'_>,
    ) -> Result<ClientId, HubError> {
        let call = Call {
            method: Method::POST,
            route: "POST /partners/{partner_id}/account_sharing/clients",
            path: &["account_sharing", "clients"],
            query: &[],
            body: Some(&json!(details)),
        };
        let Created { id, client_id } = object(self.call(authorization, call).await?);
        let id = id.0.or(client_id.0).and_then(|id| id.parse().ok());
        id.ok_or_else(|| HubError::unreadable("the answer names no client id".to_owned(), true))
    }
}
