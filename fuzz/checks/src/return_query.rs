//! What comes with `/signup/return`: whatever it is, the page is the same but for ids that the query holds.

use std::collections::HashMap;
use std::sync::LazyLock;

use api::Handler;
use lambda_http::RequestExt;
use serde_json::Value;
use signup_page::{Settings, SignupPage};

use crate::requests;

static PAGE: LazyLock<SignupPage> =
    LazyLock::new(|| SignupPage::new(&Settings::read(&mut requests::env()).unwrap_or_else(|_| panic!("settings"))));
static BARE: LazyLock<[String; 3]> = LazyLock::new(|| parts(HashMap::new()));

/// Checks one input.
///
/// # Panics
/// If that does not hold for it.
pub fn check(query: &[u8]) {
    let mut pairs: HashMap<String, Vec<String>> = HashMap::new();
    let mut said = String::new();
    for (name, value) in url::form_urlencoded::parse(query) {
        // Lists come encoded once more than usual, too.
        let again =
            url::form_urlencoded::parse(format!("v={value}").as_bytes()).map(|(_, value)| value.into_owned()).next();
        said = said + &again.unwrap_or_default() + ",";
        pairs.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    let [before, settings, after] = parts(pairs);
    assert_eq!([&before, &after], [&BARE[0], &BARE[2]]);
    assert!(!settings.contains('<'));

    let mut settings: Value = serde_json::from_str(&settings).unwrap();
    let returned = settings["returned"].take();
    let mut bare: Value = serde_json::from_str(&BARE[1]).unwrap();
    bare["returned"].take();
    assert_eq!(settings, bare);
    let list = |name: &str| returned[name].as_array().unwrap().iter().collect::<Vec<_>>();
    let (channels, revoked) = (list("channels"), list("revoked"));
    assert!(channels.len() <= 50 && revoked.len() <= 50);
    let single = [&returned["client"], &returned["state"]].into_iter().filter(|value| !value.is_null());
    for id in channels.into_iter().chain(revoked).chain(single) {
        let id = id.as_str().unwrap();
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'), "{id}");
        assert!((3..=64).contains(&id.len()) && said.contains(id), "{id}");
    }
}

/// The page before its settings, its settings, and the page after them.
fn parts(query: HashMap<String, Vec<String>>) -> [String; 3] {
    let request = requests::request("GET", "/signup/return").with_query_string_parameters(query);
    let response = requests::wait(PAGE.handle(request));
    assert_eq!(response.status(), 200);
    let html = std::str::from_utf8(response.body()).unwrap();
    let (before, rest) = html.split_once("id=settings>").unwrap();
    let (settings, after) = rest.split_once("</script>").unwrap();
    [before, settings, after].map(str::to_owned)
}
