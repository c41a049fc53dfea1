mod bundle;
mod queue_twin;
mod secrets_cache;
mod sqs;
mod vault;

pub(crate) use self::vault::key;
