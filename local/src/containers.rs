//! For functions that `sam local` runs in containers: what they are told in `env.json`, and the way to this machine.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use queue::QueueName;
use serde_json::{Value, json};
use simulator::Simulator;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::aws::VAULT;
use crate::dynamodb::TABLE;
use crate::settings::variables;

/// The port that `env.json` names for the stack. The simulator is on the next, the API of `sam local start-api` after that.
pub const PORT: u16 = 3000;
/// This machine's address on the bridge that Docker makes if it is told nothing else.
pub const BRIDGE: &str = "172.17.0.1";
/// This machine's name in containers, which `samconfig.toml` gives them. Below `localhost`, where plain HTTP is accepted.
const HOST: &str = "stack.localhost";

/// What `env.json` holds: the settings of the local stack, with the names that this machine and its resources have in a
/// container.
pub fn env_json(simulator: &Simulator, fake: &simulator::Settings) -> Value {
    let origin = format!("http://{}", simulator.address());
    let (stack, fakes) = (format!("http://{HOST}:{PORT}"), format!("http://{HOST}:{}", PORT + 1));
    let browser = format!("http://127.0.0.1:{}", PORT + 1);
    let mut settings: BTreeMap<_, _> = variables(simulator, fake)
        .into_iter()
        // The template's default is the same. What is not named here can be set in the environment of `sam`.
        .filter(|(name, _)| *name != "HUB_CALL_LIMIT")
        .map(|(name, value)| match name {
            "HUB_BASE_URL" | "META_GRAPH_URL" => (name, value.replace(&origin, &fakes)),
            "MESSAGING_HOSTS" => (name, HOST.to_owned()),
            _ => (name, value.replace(&origin, &browser)),
        })
        .collect();
    let queues = QueueName::all().filter_map(|queue| Some((queue.variable()?, queue.as_str())));
    settings.extend(queues.map(|(variable, name)| (variable, format!("{stack}/queues/{name}"))));
    settings.extend([
        ("AWS_ENDPOINT_URL", stack),
        ("TABLE_NAME", TABLE.to_owned()),
        ("VAULT_PREFIX", VAULT.to_owned()),
    ]);
    json!({ "Parameters": settings })
}

/// Forwards each connection to the same port on 127.0.0.1.
pub(crate) async fn forward(listener: TcpListener) {
    let Ok(port) = listener.local_addr().map(|address| address.port()) else { return };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((mut outside, _)) = accepted else { continue };
                connections.spawn(async move {
                    if let Ok(mut inside) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                        // An end of the connection, whichever way, ends the other side too.
                        let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
