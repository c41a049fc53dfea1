//! Why a call of the AWS SDK failed.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Why a call failed, for logs and errors: AWS's word for it, such as `ThrottlingException`, and never its sentence,
/// which names resources.
pub fn reason<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::TimeoutError(_) => "time-out".to_owned(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "time-out".to_owned(),
        SdkError::DispatchFailure(_) => "no connection".to_owned(),
        SdkError::ResponseError(_) => "unreadable answer".to_owned(),
        SdkError::ServiceError(_) => error.code().unwrap_or("unknown error").to_owned(),
        _ => "request could not be built".to_owned(),
    }
}
