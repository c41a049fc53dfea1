mod bundle;
mod queue_twin;
mod secrets_cache;
mod sqs;
mod vault;
mod worker_secret;

pub(crate) use self::vault::key;
