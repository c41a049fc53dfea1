//! The page as API Gateway gets it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;
use std::path::PathBuf;

use api::Handler;
use lambda_http::Body;
use lambda_http::http::Response;
use runtime::settings::Env;
use serde_json::{Value, json};
use signup_page::{Settings, SignupPage};

const SETTINGS: [(&str, &str); 4] = [
    ("HUB_PARTNER_ID", "mT6kWqPA"),
    ("SOLUTION_ID", "732190846521907"),
    ("META_CONFIG_ID", "905512374418"),
    ("META_APP_ID", "611538240974"),
];

fn page(more: &[(&str, &str)]) -> SignupPage {
    let all = SETTINGS.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut env = Env::new(all);
    let settings = Settings::read(&mut env);
    SignupPage::new(&env.finish(|| settings).unwrap())
}

/// `GET` of a route with the path parameter `asset`, these query parameters and headers.
async fn get(page: &SignupPage, route: &str, asset: &str, query: &Value, headers: &Value) -> Response<Body> {
    let path = route.replace("{asset}", asset);
    ask(page, "GET", route, &path, &json!({"asset": asset}), query, headers).await
}

/// A request as API Gateway makes an event of it.
async fn ask(
    page: &SignupPage,
    method: &str,
    route: &str,
    path: &str,
    parameters: &Value,
    query: &Value,
    headers: &Value,
) -> Response<Body> {
    let event = json!({
        "resource": route,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {},
        "pathParameters": parameters,
        "requestContext": {"resourcePath": route, "httpMethod": method, "path": format!("/v1{path}")},
        "isBase64Encoded": false,
    });
    page.handle(lambda_http::request::from_str(&event.to_string()).unwrap()).await
}

async fn index(page: &SignupPage) -> Response<Body> {
    get(page, "/signup", "", &json!({}), &json!({})).await
}

fn text(response: &Response<Body>) -> String {
    String::from_utf8(response.body().to_vec()).unwrap()
}

/// The JSON block in the page.
fn settings(response: &Response<Body>) -> Value {
    let html = text(response);
    let block = html.split("id=settings>").nth(1).unwrap().split("</script>").next().unwrap();
    serde_json::from_str(block).unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn every_page_has_the_security_headers() {
    let page = page(&[]);
    for (route, asset, status) in [("/signup", "", 200), ("/signup/return", "", 200), ("/signup/{asset}", "../x", 404)]
    {
        let response = get(&page, route, asset, &json!({}), &json!({})).await;
        assert_eq!(response.status(), status, "{route}");
        let policy = header(&response, "content-security-policy");
        assert!(!policy.contains("unsafe"), "{policy}");
        for part in [
            "default-src 'none'",
            "script-src 'self' https://connect.facebook.net;",
            "style-src 'self';",
            "form-action 'self' https://www.facebook.com;",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{part}: {policy}");
        }
        assert_eq!(header(&response, "cross-origin-opener-policy"), "same-origin-allow-popups");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert!(header(&response, "strict-transport-security").starts_with("max-age="));
        assert!(header(&response, "permissions-policy").contains("camera=()"));
    }
}

#[tokio::test]
async fn a_page_file_opened_by_itself_may_do_nothing() {
    let response = get(&page(&[]), "/signup/{asset}", "icon.svg", &json!({}), &json!({})).await;
    assert_eq!(header(&response, "content-security-policy"), "default-src 'none'");
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    assert!(header(&response, "strict-transport-security").starts_with("max-age="));
}

#[tokio::test]
async fn frame_ancestors_and_the_logo_are_settings_of_the_page() {
    let page = page(&[
        ("FRAME_ANCESTORS", "https://app.partner.example, https://crm.partner.example"),
        ("PARTNER_LOGO_URL", "https://cdn.partner.example/logo.svg?v=2"),
    ]);
    let response = index(&page).await;
    let policy = header(&response, "content-security-policy");
    assert!(policy.ends_with("frame-ancestors https://app.partner.example https://crm.partner.example"), "{policy}");
    assert!(policy.contains("img-src 'self' https://cdn.partner.example "), "{policy}");
    assert_eq!(settings(&response)["logo_url"], "https://cdn.partner.example/logo.svg?v=2");
}

#[tokio::test]
async fn page_settings_are_data_that_cannot_end_their_element() {
    let name = "</script><script>alert(1)</script>";
    let response = index(&page(&[("PARTNER_NAME", name)])).await;
    assert_eq!(text(&response).matches("</script>").count(), 2);
    let settings = settings(&response);
    assert_eq!(settings["partner_name"], name);
    assert_eq!(settings["app_id"], "611538240974");
    assert_eq!(settings["sdk_url"], "https://connect.facebook.net");
    assert_eq!(header(&response, "cache-control"), "no-store");
}

#[tokio::test]
async fn the_partners_color_comes_before_the_style_sheet() {
    let page = page(&[("PARTNER_COLOR", "#ffd400")]);
    let style = text(&get(&page, "/signup/{asset}", "style.css", &json!({}), &json!({})).await);
    assert!(style.starts_with(":root{--accent:#ffd400;--on-accent:#000000;"), "{}", &style[..80]);
}

/// The paths of the files in a folder of the page, in the order of their names.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../signup").join(folder);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn every_file_of_the_page_is_served() {
    let page = page(&[]);
    for path in files("").into_iter().chain(files("texts")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let response = get(&page, "/signup/{asset}", name, &json!({}), &json!({})).await;
        // The template is served with settings, and at another address.
        assert_eq!(response.status(), if name == "index.html" { 404 } else { 200 }, "{name}");
    }
}

#[tokio::test]
async fn the_languages_of_the_page_are_its_files_of_texts() {
    let page = page(&[]);
    let mut languages = Vec::new();
    for path in files("texts") {
        let language = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let name = format!("{language}.json");
        let response = get(&page, "/signup/{asset}", &name, &json!({}), &json!({})).await;
        assert_eq!(header(&response, "content-type"), "application/json");
        let served: Value = serde_json::from_str(&text(&response)).unwrap();
        let kept: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(served, kept, "{name}");
        languages.push(language);
    }
    assert_eq!(settings(&index(&page).await)["languages"], json!(languages));
}

#[tokio::test]
async fn an_unchanged_page_file_is_answered_with_304() {
    let page = page(&[]);
    let asset = |tag: String| {
        let page = &page;
        async move { get(page, "/signup/{asset}", "page.js", &json!({}), &json!({ "if-none-match": tag })).await }
    };
    let first = asset(String::new()).await;
    assert_eq!(first.status(), 200);
    assert_eq!(header(&first, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(header(&first, "cache-control"), "no-cache");
    let tag = header(&first, "etag").to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
        let again = asset(known).await;
        assert_eq!(again.status(), 304);
        assert_eq!(header(&again, "etag"), tag);
        assert!(again.body().is_empty());
    }
    assert_eq!(asset("\"other\"".to_owned()).await.status(), 200);
}

#[tokio::test]
async fn the_return_page_is_the_signup_page_with_hints() {
    let query = json!({"client": "hT3mVxCL", "channels": "[Rb82LdCH]", "state": "<img>"});
    let response = get(&page(&[]), "/signup/return", "", &query, &json!({})).await;
    let hints = json!({"client": "hT3mVxCL", "channels": ["Rb82LdCH"], "revoked": [], "state": null});
    assert_eq!(settings(&response)["returned"], hints);
    assert!(text(&response).contains(r#"src="../signup/page.js""#));
    let index = index(&page(&[])).await;
    assert!(text(&index).contains(r#"src="signup/page.js""#));
    assert_eq!(settings(&index)["returned"], Value::Null);
}

const LINK: &str = "onb_01930000000070008000000000000001.made-up-setup-token-of-43-characters-abcdefg";

/// Opens a path as a browser does, and returns status, content type and the address of the page's script.
async fn open(method: &str, path: &str, accept: &str) -> (u16, String, Option<String>) {
    let (route, parameters) =
        match path.strip_prefix("/signup/").filter(|asset| !asset.is_empty() && !asset.contains('/')) {
            Some(asset) => ("/signup/{asset}", json!({"asset": asset})),
            None if path == "/signup" => ("/signup", Value::Null),
            None => ("/{proxy+}", json!({"proxy": path.trim_start_matches('/')})),
        };
    let response = ask(&page(&[]), method, route, path, &parameters, &Value::Null, &json!({"accept": accept})).await;
    let html = text(&response);
    let script = html.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned);
    (response.status().as_u16(), header(&response, "content-type").to_owned(), script)
}

#[tokio::test]
async fn a_setup_link_that_was_changed_on_its_way_opens_the_page() {
    for (path, script) in [
        (format!("/signup%23{LINK}"), "signup/page.js"),
        (format!("/signup#{LINK}"), "signup/page.js"),
        (format!("/signup%2523{LINK}"), "signup/page.js"),
        (format!("/signup/%23{LINK}"), "../signup/page.js"),
        (format!("/signup%23{LINK}/"), "../signup/page.js"),
        ("/signup/".to_owned(), "../signup/page.js"),
        ("/signup//".to_owned(), "../signup/page.js"),
        ("/signup".to_owned(), "signup/page.js"),
    ] {
        for method in ["GET", "HEAD"] {
            for accept in ["text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "*/*"] {
                let (status, content_type, address) = open(method, &path, accept).await;
                assert_eq!((status, content_type.as_str()), (200, "text/html; charset=utf-8"), "{method} {path}");
                assert_eq!(address.as_deref(), Some(script), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_path_is_a_page_for_people_and_a_problem_for_programs() {
    for (path, script) in [
        ("/nothing", "signup/page.js"),
        ("/a/b/c", "../../signup/page.js"),
        ("/signup/nothing.js", "../signup/page.js"),
        ("/signup/a/b", "../../signup/page.js"),
        ("/signups-of-others", "signup/page.js"),
    ] {
        let (status, content_type, address) = open("GET", path, "text/html").await;
        assert_eq!((status, content_type.as_str()), (404, "text/html; charset=utf-8"), "{path}");
        assert_eq!(address.as_deref(), Some(script), "{path}");
        let (status, content_type, _) = open("GET", path, "*/*").await;
        assert_eq!((status, content_type.as_str()), (404, "application/problem+json"), "{path}");
    }
}
