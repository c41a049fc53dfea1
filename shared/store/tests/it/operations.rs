//! What a store asks of the table.

use std::error::Error;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use store::Store;

use crate::{TABLE, TestBench};

/// Counts the operations, and can give an answer of its own to every batch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Operations {
    seen: Arc<Mutex<Vec<String>>>,
    batch: Option<String>,
}

impl Operations {
    /// Answers every batch as if the table had no capacity for any of its keys.
    pub(crate) fn without_capacity() -> Self {
        let key = r#"{"pk": {"S": "ONB#any"}, "sk": {"S": "ONB"}}"#;
        let answer = format!(r#"{{"Responses": {{}}, "UnprocessedKeys": {{"{TABLE}": {{"Keys": [{key}]}}}}}}"#);
        Self { batch: Some(answer), ..Self::default() }
    }

    /// Answers every batch as if the records were gone that the index still has.
    pub(crate) fn without_records() -> Self {
        let answer = format!(r#"{{"Responses": {{"{TABLE}": []}}, "UnprocessedKeys": {{}}}}"#);
        Self { batch: Some(answer), ..Self::default() }
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

impl Intercept for Operations {
    fn name(&self) -> &'static str {
        "operations"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let target = context.request().headers().get("x-amz-target").unwrap_or_default();
        self.seen.lock().unwrap().push(target.rsplit('.').next().unwrap_or_default().to_owned());
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let batch = self.seen.lock().unwrap().last().is_some_and(|last| last == "BatchGetItem");
        if let Some(answer) = self.batch.clone().filter(|_| batch) {
            *context.response_mut().body_mut() = answer.into();
        }
        Ok(())
    }
}

impl TestBench {
    /// The same table through a store whose operations are counted.
    pub(crate) fn counted(&self, operations: Operations) -> (Store, Operations) {
        let config = self.client.config().to_builder().interceptor(operations.clone()).build();
        (Store::new(Client::from_conf(config), TABLE.to_owned(), self.clock.clone()), operations)
    }
}
