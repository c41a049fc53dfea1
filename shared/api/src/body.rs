//! The body of a request.

use lambda_http::Request;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::Problem;

/// The largest body that is read.
const LIMIT: usize = 64 * 1024;
/// The largest one that may be a long list.
const LONG: usize = 256 * 1024;

/// The body's bytes as they were sent (the API's base64 is undone), at most 64 KiB.
pub fn read(request: &Request) -> Result<&[u8], Problem> {
    read_up_to(request, LIMIT)
}

fn read_up_to(request: &Request, limit: usize) -> Result<&[u8], Problem> {
    let body: &[u8] = request.body();
    if body.len() > limit { Err(Problem::too_large(limit)) } else { Ok(body) }
}

/// The body, a JSON object, as a `T`. A member that `T` does not take is a problem that names its path.
pub fn read_json<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    parse(read(request)?)
}

/// [`read_json`] of a body that may be a long list: at most 256 KiB.
pub fn read_long_json<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    parse(read_up_to(request, LONG)?)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // Without this, a list would be taken for an object by the order of its members.
    if body.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
        return Err(Problem::invalid_json("The body must be a JSON object."));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        to_problem(error.inner(), &path)
    })?;
    json.end().map_err(|error| to_problem(&error, "."))?;
    Ok(value)
}

fn to_problem(error: &serde_json::Error, path: &str) -> Problem {
    if error.classify() != Category::Data {
        let (line, column) = (error.line(), error.column());
        return Problem::invalid_json(format!("The body is not JSON: see line {line}, column {column}."));
    }
    let sentence = error.to_string();
    let sentence = sentence.rsplit_once(" at line ").map_or(&*sentence, |(sentence, _)| sentence);
    let parent = if path == "." { "" } else { path };
    match sentence.split_once('`').and_then(|(start, rest)| Some((start, rest.split_once('`')?.0))) {
        // serde names the object that misses it.
        Some(("missing field ", name)) if parent.is_empty() => Problem::invalid_field(name, "is missing"),
        Some(("missing field ", name)) => Problem::invalid_field(format!("{parent}.{name}"), "is missing"),
        _ => Problem::invalid_field(if parent.is_empty() { "body" } else { parent }, message(sentence)),
    }
}

/// serde's sentence without the value that was sent, which may be a code or a token.
fn message(sentence: &str) -> String {
    match sentence.rsplit_once("expected ") {
        // The names of our types mean nothing outside.
        Some((_, expected)) if expected.starts_with("struct ") => "must be an object".to_owned(),
        Some((unknown, expected)) if unknown.starts_with("unknown field ") => format!("is not known, only {expected}"),
        Some((_, "i64" | "u64" | "i32" | "u32")) => "must be a whole number".to_owned(),
        Some((_, expected)) => format!("must be {expected}"),
        None if sentence.ends_with("there are no fields") => "is not known: the body takes no members".to_owned(),
        None => sentence.to_owned(),
    }
}
