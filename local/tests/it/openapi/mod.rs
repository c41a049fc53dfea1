//! The API against `docs/openapi.yaml`.

mod conformance;
mod coverage;
mod document;
mod missing_secret;
mod orders;
