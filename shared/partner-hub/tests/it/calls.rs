//! Each call: what is sent, and what is read from a good answer.

#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use exchange::{ChannelId, ClientId};
use partner_hub::{Authorization, Channel, ChannelStage, ClientDetails, HubError, ListedKey, NumberSubmission};
use secrecy::ExposeSecret;
use serde_json::{Value, json as value};
use time::macros::datetime;

use crate::server::{Answer, Server, api_key, json};

fn details(request: &Value) -> ClientDetails<'_> {
    let text = |name: &str| request[name].as_str().unwrap();
    ClientDetails { name: text("name"), email: text("email"), user_name: text("user_name") }
}

pub(crate) fn number() -> NumberSubmission {
    let request = json("account_sharing.submit_number_request");
    let text = |name: &str| request[name].as_str().unwrap();
    NumberSubmission {
        solution_id: text("solution_id").to_owned(),
        client_id: text("client_id").parse().unwrap(),
        waba_id: text("waba_external_id").parse().unwrap(),
        business_id: Some(text("waba_business_id").parse().unwrap()),
        phone_number_id: text("channel_external_id").parse().unwrap(),
        tier: "regular",
    }
}

fn channel_id() -> ChannelId {
    "Rb82LdCH".parse().unwrap()
}

#[tokio::test]
async fn each_kind_of_hub_credentials_has_its_header() {
    let bearer = Authorization::Bearer("made-up-token".into());
    let server = Server::start([
        Answer::sample(200, "partner.webhook_url_get_response"),
        Answer::sample(200, "partner.webhook_url_get_response"),
    ])
    .await;
    server.hub().webhook_url(&api_key()).await.unwrap();
    server.hub().webhook_url(&bearer).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].header("x-api-key"), Some("made-up-partner-key"));
    assert_eq!(requests[0].header("authorization"), None);
    assert_eq!(requests[1].header("authorization"), Some("Bearer made-up-token"));
    assert_eq!(requests[1].header("x-api-key"), None);
}

#[tokio::test]
async fn hub_credentials_that_fit_no_header_are_refused_without_a_call() {
    let server = Server::start([]).await;
    let broken = Authorization::ApiKey("made-up\nkey".into());
    assert_eq!(server.hub().webhook_url(&broken).await, Err(HubError::Unauthorized));
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn clients_found_by_email_are_compared_again() {
    let server = Server::start([Answer::sample(200, "clients.list_response")]).await;
    let page = server.hub().clients_filtered(&api_key(), "Lena.Voss@nordlicht.example", 200).await.unwrap();

    let id: ClientId = "hT3mVxCL".parse().unwrap();
    assert_eq!(page.find_by_email(" LENA.voss@nordlicht.example "), Some(&id));
    assert_eq!(page.find_by_email("ena.voss@nordlicht.example"), None);
    assert_eq!(page.next_offset, None);

    let request = &server.requests()[0];
    assert_eq!(request.line, "GET /api/v2/partners/q8ZkWnPA/clients");
    assert_eq!(request.query["limit"], "200");
    assert_eq!(request.query["offset"], "200");
    assert_eq!(request.query["sort"], "-created_at");
    let filters: Value = serde_json::from_str(&request.query["filters"]).unwrap();
    assert_eq!(filters, value!({"contact_info.email": "Lena.Voss@nordlicht.example"}));
}

#[tokio::test]
async fn every_client_is_read_if_the_client_filter_is_off() {
    let server = Server::start([Answer::sample(200, "clients.list_response")]).await;
    let page = server.hub().clients_page(&api_key(), 0).await;
    assert!(page.unwrap().find_by_email("lena.voss@nordlicht.example").is_some());
    assert!(!server.requests()[0].query.contains_key("filters"));
}

#[tokio::test]
async fn a_client_lookup_may_find_none() {
    let server = Server::start([Answer::sample(200, "clients.list_response_empty")]).await;
    let page = server.hub().clients_page(&api_key(), 0).await.unwrap();
    assert_eq!((page.clients.len(), page.next_offset), (0, None));
}

#[tokio::test]
async fn the_oldest_of_several_clients_with_an_email_is_found() {
    let list = value!({"clients": [
        {"id": "newestCL", "contact_info": {"email": "lena@nordlicht.example"}},
        {"id": "oldestCL", "contact_info": null, "contact_user": {"email": "Lena@nordlicht.example"}},
        {"id": "anotherCL", "contact_info": {"email": "other@nordlicht.example"}},
    ]});
    let server = Server::start([Answer::new(200, list.to_string())]).await;
    let page = server.hub().clients_page(&api_key(), 0).await.unwrap();
    assert_eq!(page.find_by_email("lena@nordlicht.example").unwrap().as_str(), "oldestCL");
}

#[tokio::test]
async fn unreadable_clients_do_not_hide_the_others() {
    let clients =
        value!({"clients": [null, 7, {"name": "no id"}, {"id": "../x"}, {"id": "goodCL", "contact_info": "odd"}]});
    let channels =
        value!({"partner_channels": ["x", {"id": null}, {"id": "goodCH", "setup_info": [], "external_id": {}}]});
    let server = Server::start([Answer::new(200, clients.to_string()), Answer::new(200, channels.to_string())]).await;
    let page = server.hub().clients_page(&api_key(), 0).await.unwrap();
    assert_eq!(page.clients.iter().map(|client| client.id.as_str()).collect::<Vec<_>>(), ["goodCL"]);
    assert_eq!(page.unreadable, 4);
    let page = server.hub().channels_page(&api_key(), 0).await.unwrap();
    assert_eq!(page.channels.iter().map(|channel| channel.id.as_str()).collect::<Vec<_>>(), ["goodCH"]);
    assert_eq!(page.unreadable, 2);
}

#[tokio::test]
async fn half_a_character_or_a_bomb_in_an_entry_hides_no_other() {
    let bomb = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let clients = format!(
        r#"{{"clients": [{{"id": "firstCL", "name": "Caf\ud83d", "contact_info": {{"email": "a@nordlicht.example"}}}},
            {{"id": {bomb}}}, {{"id": "thirdCL", "n": 1e999}}, {{"id": "lastCL"}}], "total": 4}}"#
    );
    let channels = format!(
        r#"{{"partner_channels": [{{"id": "firstCH", "setup_info": {{"phone_name": "Caf\udE00"}}}}, {{"id": "lastCH", "x": {bomb}}}]}}"#
    );
    let server = Server::start([Answer::new(200, clients), Answer::new(200, channels)]).await;
    let page = server.hub().clients_page(&api_key(), 0).await.unwrap();
    let ids: Vec<_> = page.clients.iter().map(|client| client.id.as_str()).collect();
    assert_eq!((ids, page.unreadable, page.next_offset), (vec!["firstCL", "thirdCL", "lastCL"], 1, None));
    assert!(page.find_by_email("a@nordlicht.example").is_some());
    let page = server.hub().channels_page(&api_key(), 0).await.unwrap();
    assert_eq!(page.channels[0].phone_name.as_deref(), Some("Caf\u{fffd}"));
    assert_eq!(page.channels.iter().map(|channel| channel.id.as_str()).collect::<Vec<_>>(), ["firstCH", "lastCH"]);
}

#[tokio::test]
async fn the_next_page_of_clients_is_found_with_and_without_paging_members() {
    let entries = |count: usize| vec![value!({"id": "someCH"}); count];
    for (answer, offset, next) in [
        (value!({"partner_channels": entries(2), "total": 5}), 0, Some(2)),
        (value!({"partner_channels": entries(2), "total": 5}), 3, None),
        // The Hub's own limit may be lower than ours.
        (value!({"partner_channels": entries(20), "limit": 20}), 40, Some(60)),
        (value!({"partner_channels": entries(19), "limit": 20}), 40, None),
        (value!({"partner_channels": entries(200)}), 0, Some(200)),
        (value!({"partner_channels": entries(199)}), 0, None),
        (value!({"partner_channels": entries(1), "total": "odd", "limit": 0}), 0, None),
        // A total that no page reaches must not be asked for for ever.
        (value!({"partner_channels": [], "total": 5}), 2, None),
        (value!({"partner_channels": entries(1), "total": u64::MAX}), u32::MAX, Some(u32::MAX)),
    ] {
        let server = Server::start([Answer::new(200, answer.to_string())]).await;
        let page = server.hub().channels_page(&api_key(), offset).await.unwrap();
        assert_eq!(page.next_offset, next, "offset {offset}, {} entries", page.channels.len());
    }
}

#[tokio::test]
async fn a_client_is_created_with_its_name_and_email() {
    let request = json("account_sharing.create_client_request");
    for (status, answer) in [
        (200, Answer::sample(200, "account_sharing.create_client_response")),
        (201, Answer::sample(201, "clients.patch_response")),
        (202, Answer::new(202, r#"{"client_id": "hT3mVxCL"}"#)),
    ] {
        let server = Server::start([answer]).await;
        let id = server.hub().create_client(&api_key(), details(&request)).await.unwrap();
        assert_eq!(id.as_str(), "hT3mVxCL", "{status}");
        let request = &server.requests()[0];
        assert_eq!(request.line, "POST /api/v2/partners/q8ZkWnPA/account_sharing/clients");
        assert_eq!(request.body, Some(json("account_sharing.create_client_request")));
    }
}

#[tokio::test]
async fn a_number_is_submitted_with_its_waba_and_client() {
    for name in ["account_sharing.submit_number_response", "account_sharing.submit_number_response_seed_shape"] {
        let server = Server::start([Answer::sample(200, name)]).await;
        server.hub().submit_number(&api_key(), &number()).await.unwrap();
        let request = &server.requests()[0];
        assert_eq!(request.line, "POST /api/v2/partners/q8ZkWnPA/account_sharing/numbers");
        assert_eq!(request.body, Some(json("account_sharing.submit_number_request")));
    }
}

#[tokio::test]
async fn a_submission_has_all_required_members_with_and_without_a_portfolio() {
    let without = NumberSubmission { business_id: None, tier: "premium", ..number() };
    for (number, required) in [
        (&number(), "account_sharing.submit_number_request_by_business"),
        (&without, "account_sharing.submit_number_request_minimal"),
    ] {
        let server = Server::start([Answer::new(204, "")]).await;
        server.hub().submit_number(&api_key(), number).await.unwrap();
        let sent = server.requests().remove(0).body.unwrap();
        for (name, value) in json(required).as_object().unwrap() {
            assert_eq!(&sent[name], value, "{required}: {name}");
        }
        assert_eq!(sent.get("waba_business_id").is_some(), number.business_id.is_some());
        assert_eq!(sent["tier"], value!(number.tier));
        assert_eq!(sent["channel_external_id"], "512904417735208");
    }
}

#[tokio::test]
async fn a_number_that_is_at_the_hub_already_is_a_conflict() {
    let server = Server::start([Answer::sample(409, "error.meta_409_conflict")]).await;
    let refused = server.hub().submit_number(&api_key(), &number()).await;
    assert!(matches!(refused, Err(HubError::Permanent { status: 409, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_submission_answered_200_with_an_error_body_is_an_error() {
    let server = Server::start([Answer::sample(200, "error.meta_400_with_error_data")]).await;
    let error = server.hub().submit_number(&api_key(), &number()).await.unwrap_err();
    let reason = "Number could not be onboarded; Invalid parameter; (#100) The WABA is not shared with this solution";
    assert_eq!(error, HubError::Permanent { status: 400, reason: reason.to_owned() });
}

#[tokio::test]
async fn a_channel_is_found_by_its_id_only() {
    let server = Server::start([
        Answer::sample(200, "channels.list_response"),
        Answer::sample(200, "channels.list_response_empty"),
        // As if the filter had been ignored.
        Answer::sample(200, "channels.list_response_two_numbers_one_client"),
        Answer::sample(200, "channels.list_response_two_numbers_one_client"),
    ])
    .await;
    let hub = server.hub();
    let expected = Channel {
        id: channel_id(),
        client_id: Some("hT3mVxCL".parse().unwrap()),
        waba_id: Some("409812357760143".parse().unwrap()),
        phone_number_id: Some("512904417735208".parse().unwrap()),
        phone_number: Some("4930901820143".to_owned()),
        phone_name: Some("Nordlicht Fahrrad".to_owned()),
        status: Some("ready".to_owned()),
        hub_status: Some("live".to_owned()),
        account_mode: Some("live".to_owned()),
        created_at: Some(datetime!(2026-11-03 09:16:05 UTC)),
        terminated_at: None,
    };
    assert_eq!(hub.channel(&api_key(), &channel_id()).await, Ok(Some(expected)));
    assert_eq!(hub.channel(&api_key(), &"missingCH".parse().unwrap()).await, Ok(None));
    let second = hub.channel(&api_key(), &"Vn41QsCH".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(second.phone_number.as_deref(), Some("4930901820999"));
    assert!(!second.is_live());
    assert_eq!(hub.channel(&api_key(), &"rb82ldch".parse().unwrap()).await, Ok(None));

    let request = &server.requests()[0];
    assert_eq!(request.line, "GET /api/v2/partners/q8ZkWnPA/channels");
    let filters: Value = serde_json::from_str(&request.query["filters"]).unwrap();
    assert_eq!(filters, value!({"id": "Rb82LdCH"}));
}

#[tokio::test]
async fn channels_are_listed_newest_first() {
    let server = Server::start([Answer::sample(200, "channels.list_response_two_numbers_one_client")]).await;
    let page = server.hub().channels_page(&api_key(), 400).await.unwrap();
    assert_eq!(page.channels.iter().map(Channel::is_live).collect::<Vec<_>>(), [true, false]);
    let request = &server.requests()[0];
    assert_eq!(request.query["limit"], "200");
    assert_eq!(request.query["offset"], "400");
    assert_eq!(request.query["sort"], "-created_at");
    assert!(!request.query.contains_key("filters"));
}

#[tokio::test]
async fn a_channel_is_live_by_either_sign_unless_it_ends_or_has_ended() {
    use ChannelStage::{Ended, Live, Other};
    let signs = |hub_status: &str| value!({"status": "ready", "account_mode": "live", "hub_status": hub_status});
    for (stage, channel) in [
        (Live, value!({"hub_status": "live"})),
        (Live, value!({"status": "ready", "account_mode": "live"})),
        (Live, signs("new at the Hub")),
        (Other, signs("pending_deletion")),
        (Ended, signs("terminated")),
        (Ended, signs("cancelled")),
        (Ended, value!({"hub_status": "deleted"})),
        (Other, value!({"status": "ready", "account_mode": "sandbox"})),
        (Other, value!({"status": "verified", "account_mode": "live", "hub_status": null})),
        (Other, value!({})),
    ] {
        let mut entry = channel.clone();
        entry["id"] = value!("someCH");
        let server = Server::start([Answer::new(200, value!({"partner_channels": [entry]}).to_string())]).await;
        let page = server.hub().channels_page(&api_key(), 0).await.unwrap();
        let read = &page.channels[0];
        assert_eq!((read.stage(), read.is_live()), (stage, stage == Live), "{channel}");
    }
}

#[tokio::test]
async fn the_channels_of_a_number_are_compared_again() {
    let server = Server::start([
        // As if the filter had been ignored.
        Answer::sample(200, "channels.list_response_two_numbers_one_client"),
        Answer::sample(200, "channels.list_response_empty"),
    ])
    .await;
    let number = "512904417735208".parse().unwrap();
    let channels = server.hub().channels_of_number(&api_key(), &number).await.unwrap();
    assert_eq!(channels.iter().map(|channel| channel.id.as_str()).collect::<Vec<_>>(), ["Rb82LdCH"]);
    assert_eq!(server.hub().channels_of_number(&api_key(), &number).await, Ok(Vec::new()));
    let request = &server.requests()[0];
    assert_eq!(request.line, "GET /api/v2/partners/q8ZkWnPA/channels");
    let filters: Value = serde_json::from_str(&request.query["filters"]).unwrap();
    assert_eq!(filters, value!({"external_id": "512904417735208"}));
}

#[tokio::test]
async fn the_time_of_a_channel_is_read_with_and_without_a_zone() {
    let made = datetime!(2026-11-03 09:16:05 UTC);
    for (text, expected) in [
        ("2026-11-03T09:16:05Z", Some(made)),
        ("2026-11-03T10:16:05+01:00", Some(made)),
        ("2026-11-03T09:16:05", Some(made)),
        ("2026-11-03T09:16:05.000000", Some(made)),
        ("yesterday", None),
        ("", None),
    ] {
        let list = value!({"partner_channels": [{"id": "someCH", "created_at": text}]});
        let server = Server::start([Answer::new(200, list.to_string())]).await;
        let page = server.hub().channels_page(&api_key(), 0).await.unwrap();
        assert_eq!(page.channels[0].created_at, expected, "{text}");
    }
}

#[tokio::test]
async fn the_api_keys_of_a_channel_are_listed_without_the_keys() {
    let odd = value!({"api_keys": [7, {"id": "oldAK", "api_key": "made-up-key"}, {"id": null}]});
    let server = Server::start([
        Answer::sample(200, "api_keys.list_response"),
        Answer::new(200, r#"{"api_keys": []}"#),
        Answer::new(200, odd.to_string()),
        Answer::new(200, "{}"),
    ])
    .await;
    let hub = server.hub();
    let listed = async || hub.api_keys(&api_key(), &channel_id()).await;
    let key = |id: Option<&str>| ListedKey { key_id: id.map(str::to_owned) };
    assert_eq!(listed().await, Ok(vec![key(Some("Ux93mTAK"))]));
    assert_eq!(listed().await, Ok(vec![]));
    // What cannot be read may be a key in use.
    assert_eq!(listed().await, Ok(vec![key(None), key(Some("oldAK")), key(None)]));
    assert!(matches!(listed().await, Err(HubError::Retry { unclear: false, .. })));
    assert_eq!(server.requests()[0].line, "GET /api/v2/partners/q8ZkWnPA/channels/Rb82LdCH/api_keys");
}

#[tokio::test]
async fn an_api_key_is_made_and_read_in_both_shapes() {
    let made = json("api_keys.create_response");
    let listed = value!({"api_keys": [{"id": "oldAK", "address": "https://waba-v2.360dialog.io"}, made]});
    let server = Server::start([
        Answer::sample(201, "api_keys.create_response"),
        Answer::new(200, listed.to_string()),
        Answer::new(200, r#"{"api_key": "made-up-key", "address": "not an address"}"#),
    ])
    .await;
    for _ in 0..2 {
        let key = server.hub().create_api_key(&api_key(), &channel_id()).await.unwrap();
        assert_eq!(key.api_key.expose_secret(), "D360_made_up_key_0123456789ABCDEF_AK");
        assert_eq!(key.address.as_str(), "https://waba-v2.360dialog.io/");
        assert_eq!(key.key_id.as_deref(), Some("Ux93mTAK"));
        assert!(!format!("{key:?}").contains("made_up"), "a key must not be printed");
    }
    // A key whose address is missing or odd is not thrown away.
    let key = server.hub().create_api_key(&api_key(), &channel_id()).await.unwrap();
    assert_eq!((key.address.as_str(), key.key_id), ("https://waba-v2.360dialog.io/", None));

    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /api/v2/partners/q8ZkWnPA/channels/Rb82LdCH/api_keys");
    assert_eq!(request.body, Some(value!({})));
}

#[tokio::test]
async fn the_hub_webhook_url_is_read_and_set() {
    let server = Server::start([
        Answer::sample(200, "partner.webhook_url_get_response"),
        Answer::new(200, r#"{"webhook_url": null}"#),
        Answer::sample(200, "partner.webhook_url_set_request"),
    ])
    .await;
    let hub = server.hub();
    let url = "https://edge.funkturm.example/hooks/360dialog/partner";
    assert_eq!(hub.webhook_url(&api_key()).await, Ok(Some(url.to_owned())));
    assert_eq!(hub.webhook_url(&api_key()).await, Ok(None));
    hub.set_webhook_url(&api_key(), &url.parse().unwrap()).await.unwrap();

    let requests = server.requests();
    assert_eq!(requests[0].line, "GET /api/v2/partners/q8ZkWnPA/webhook_url");
    assert_eq!(requests[2].line, "POST /api/v2/partners/q8ZkWnPA/webhook_url");
    assert_eq!(requests[2].body, Some(json("partner.webhook_url_set_request")));
}

#[tokio::test]
async fn a_channel_is_ended_and_kept_below_its_client_account() {
    let ending = value!({"id": "Rb82LdCH", "hub_status": "pending_deletion", "terminated_at": "2026-12-31T23:00:00Z"});
    let server = Server::start([
        Answer::new(200, ending.to_string()),
        Answer::new(200, ""),
        Answer::new(200, value!({"id": "Rb82LdCH", "hub_status": "live", "terminated_at": null}).to_string()),
        Answer::sample(404, "error.meta_404_not_found"),
        Answer::new(404, "<html>"),
    ])
    .await;
    let (hub, client) = (server.hub(), "hT3mVxCL".parse().unwrap());
    let ends_at = datetime!(2026-12-31 23:00 UTC);
    assert_eq!(hub.end_channel(&api_key(), &client, &channel_id()).await, Ok(Some(ends_at)));
    assert_eq!(hub.end_channel(&api_key(), &client, &channel_id()).await, Ok(None), "the answer need not say when");
    assert_eq!(hub.keep_channel(&api_key(), &client, &channel_id()).await, Ok(()));
    let refused = hub.end_channel(&api_key(), &client, &channel_id()).await.unwrap_err();
    assert!(matches!(refused, HubError::Permanent { status: 404, .. }), "{refused:?}");
    assert!(hub.keep_channel(&api_key(), &client, &channel_id()).await.unwrap_err().is_unclear(), "a proxy's page");
    let requests = server.requests();
    let control = "/api/v2/partners/q8ZkWnPA/clients/hT3mVxCL/channels/Rb82LdCH/control";
    assert_eq!(requests[0].line, format!("POST {control}/cancellation_request"));
    assert_eq!(requests[2].line, format!("POST {control}/reactivate"));
}
