//! `POST /imports`: channels that were there before get onboardings; `GET /imports/{id}?cursor=&limit=`: how far that is.

use api::access::require_back_end;
use api::view::rfc3339;
use api::{Problem, import_id, json, read_long_json};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};
use onboarding::{ChannelId, ImportId};
use serde::Serialize;
use serde_json::json;
use store::{Import, ImportLook, ImportedChannel};

use crate::Onboardings;
use crate::body::{ImportBody, WantedImport};
use crate::query::{Query, up_to, wrong_cursor};

/// Every parameter of the query.
const PARAMETERS: [&str; 2] = ["cursor", "limit"];
/// The longest page, and the usual one.
const PAGE: u32 = 1000;
/// So many channels are asked for one by one. More are looked for in the Hub's list first.
const ONE_BY_ONE: usize = 10;

/// How far an import is, as it is answered.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a ImportId,
    state: &'static str,
    dry_run: bool,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    done_at: Option<String>,
    done: usize,
    total: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    channels: &'a [ImportedChannel],
    next_cursor: Option<&'a ChannelId>,
}

impl Onboardings {
    pub(crate) async fn start_import(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.bundle).await?;
        let WantedImport { dry_run, channels } = read_long_json::<ImportBody>(request)?.check()?;
        let is_few = channels.as_ref().is_some_and(|channels| channels.len() <= ONE_BY_ONE);
        let import = Import {
            id: ImportId::generate(),
            dry_run,
            lists_all: channels.is_none(),
            created_at: self.clock.now(),
            done_at: None,
            next: if is_few { ImportLook::Single } else { ImportLook::Page { offset: 0 } },
            error: None,
            refused: None,
        };
        self.store.create_import(&import, &channels.unwrap_or_default()).await?;
        tracing::info!(import_id = %import.id, dry_run, "import begun");
        Ok(json(StatusCode::ACCEPTED, &json!({ "id": import.id })))
    }

    pub(crate) async fn show_import(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.bundle).await?;
        let id = import_id(request)?;
        let pairs = request.query_string_parameters_ref();
        let mut query = Query::read(pairs.into_iter().flat_map(|pairs| pairs.iter()), &PARAMETERS);
        let limit = query.checked("limit", |text| up_to(PAGE, text)).unwrap_or(PAGE) as usize;
        let cursor = query.value("cursor");
        query.finish()?;
        let after = cursor.map(|cursor| cursor.parse::<ChannelId>().map_err(|_| wrong_cursor())).transpose()?;
        // DynamoDB may delete an expired item days late.
        let import = self.store.import(&id).await?.filter(|import| import.is_kept(self.clock.now()));
        let import = import.ok_or_else(Problem::not_found)?;
        let channels = self.store.import_channels(&id).await?;
        let first = match after {
            None => 0,
            Some(after) => {
                let last = channels.binary_search_by(|channel| channel.channel_id.cmp(&after));
                last.map_err(|_| wrong_cursor())? + 1
            }
        };
        let page = channels.get(first..).unwrap_or_default();
        let (page, rest) = page.split_at(limit.min(page.len()));
        let shown = Shown {
            id: &id,
            state: if import.done_at.is_some() { "done" } else { "running" },
            dry_run: import.dry_run,
            created_at: rfc3339(import.created_at),
            done_at: import.done_at.map(rfc3339),
            done: channels.iter().filter(|channel| channel.would.is_some()).count(),
            total: channels.len(),
            error: import.error.as_deref(),
            channels: page,
            next_cursor: page.last().filter(|_| !rest.is_empty()).map(|channel| &channel.channel_id),
        };
        Ok(json(StatusCode::OK, &shown))
    }
}
