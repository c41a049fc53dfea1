//! The stand-in for 360dialog's permission screen, at `/permissions`.

use axum::response::Html;

/// The page. It grants or refuses by `POST /simulator/permission` and leads back as 360dialog does.
pub(crate) async fn page() -> Html<&'static str> {
    Html(include_str!("permissions.html"))
}
