//! `sam local invoke`, for every event.

use std::pin::pin;
use std::time::Instant;

use local::LocalStack;
use local::client::Client;
use sam_local::{Answer, Error, Event, Trace, events};
use serde_json::Value;

use crate::support::sam;

/// Runs them one after the other, one line for each. How many failed. The stack works off only what the functions that are
/// invoked put into its queues, so that what comes of an event is the function's doing.
pub(crate) async fn all(stack: &LocalStack, client: &Client) -> Result<usize, Error> {
    line("function", "event", "expected", "got", "ms");
    let mut failed = 0;
    for event in events().await? {
        let started = Instant::now();
        let got = one(stack, client, &event).await.unwrap_or_else(|error| error.to_string());
        let expected = match event.trace {
            Some(Trace::History(_, name)) => format!("{}, {name}", event.answer),
            Some(Trace::Told(_)) => format!("{}, told", event.answer),
            None => event.answer.to_string(),
        };
        let milliseconds = started.elapsed().as_millis().to_string();
        line(&event.function(), &format!("{}.json", event.name), &expected, &got, &milliseconds);
        if got != expected {
            failed += 1;
            println!("FAILED  see {}", sam::log(&event.name).display());
        }
    }
    Ok(failed)
}

/// One line of the table.
pub(crate) fn line(function: &str, event: &str, expected: &str, got: &str, milliseconds: &str) {
    println!("{function:17} {event:36} {expected:29} {got:29} {milliseconds:>6}");
}

/// The answer, and what it did.
async fn one(stack: &LocalStack, client: &Client, event: &Event) -> Result<String, Error> {
    if let Some(popup) = &event.popup {
        client.order("popup", popup).await?;
    }
    let file = format!("events/{}.json", event.name);
    let output = with_workers(stack, sam::local(&["invoke", &event.function(), "-e", &file]).output()).await?;
    tokio::fs::write(sam::log(&event.name), &output.stderr).await?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let answer: Option<Value> = serde_json::from_str(printed.trim()).ok();
    let Some(answer) = answer.as_ref().and_then(Answer::read).filter(|_| output.status.success()) else {
        return Ok(format!("not understood: {}", printed.trim()));
    };
    Ok(match event.trace {
        None => answer.to_string(),
        Some(Trace::History(onboarding, name)) => {
            let record = client.record(onboarding).await?;
            let told = record["history"].as_array().into_iter().flatten().any(|entry| entry["event"]["event"] == name);
            if told { format!("{answer}, {name}") } else { format!("{answer}, no {name}") }
        }
        Some(Trace::Told(id)) => {
            let told = stack.twins.bus.events().iter().any(|event| event.detail.contains(id));
            if told { format!("{answer}, told") } else { format!("{answer}, not told") }
        }
    })
}

/// Waits for a function while the workers get what it puts into the queues.
async fn with_workers<T>(stack: &LocalStack, function: impl Future<Output = T>) -> T {
    let mut function = pin!(function);
    loop {
        let notified = stack.twins.queue.notified();
        // Boxed: as a part of this future, the compiler finds it too deep.
        Box::pin(stack.deliver()).await;
        tokio::select! {
            answer = &mut function => {
                Box::pin(stack.deliver()).await;
                return answer;
            }
            () = notified => {}
        }
    }
}
