//! The embedded DynamoDB, reached as on AWS: through the real SDK, over HTTP.
