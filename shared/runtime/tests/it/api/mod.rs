mod auth;
mod body;
mod request;
