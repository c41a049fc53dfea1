//! Reads a real app at Meta and changes nothing: the state of its solution and, where a token is given, what Meta says of it.
//!
//! `META_APP_ID=… META_APP_SECRET=… SOLUTION_ID=… cargo run -p meta-graph --example probe_meta_graph`; `META_TOKEN` names a token to
//! inspect, `META_SYSTEM_USER_TOKEN` asks as a system user, `META_GRAPH_URL` and `META_GRAPH_VERSION` name another Graph API.

use std::env;

use meta_graph::{BusinessToken, Meta, MetaApp};
use secrecy::SecretString;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let variable = |name: &str| env::var(name).map_err(|_| format!("{name} is not set"));
    let graph_url = env::var("META_GRAPH_URL").unwrap_or_else(|_| "https://graph.facebook.com".to_owned());
    let app = MetaApp {
        graph_url: graph_url.parse()?,
        graph_version: env::var("META_GRAPH_VERSION").unwrap_or_else(|_| "v25.0".to_owned()),
        app_id: variable("META_APP_ID")?,
    };
    let app_secret = SecretString::from(variable("META_APP_SECRET")?);
    let system_user = env::var("META_SYSTEM_USER_TOKEN").ok().map(SecretString::from);
    let meta = Meta::new(exchange::client()?, app);

    let solution = meta.solution_status(&app_secret, system_user.as_ref(), &variable("SOLUTION_ID")?).await?;
    println!("solution  {solution}");
    if let Ok(token) = env::var("META_TOKEN") {
        let info = meta.debug_token(&app_secret, &BusinessToken::new(token.into())).await?;
        println!("token     valid: {}, app: {}", info.is_valid, info.app_id.as_deref().unwrap_or("?"));
        for scope in &info.granular_scopes {
            println!("  {:<34} {}", scope.scope, scope.target_ids.as_deref().unwrap_or_default().join(", "));
        }
    }
    Ok(())
}
