//! The API against `docs/openapi.yaml`.

mod conformance;
mod coverage;
mod document;
mod imports_and_erasure;
mod missing_secret;
mod orders;
