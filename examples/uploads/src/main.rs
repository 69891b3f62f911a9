//! Files beside procedures: a plain axum route takes the bytes, and the sockets hear of it.
//!
//! `cargo run -p uploads`, then `curl -T photo.jpg 127.0.0.1:8080/files/photo.jpg`. A page sends
//! `fetch("/files/photo.jpg", { method: "PUT", body: file })`.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::put;
use http_body_util::{BodyExt as _, Limited};
use jstack_runtime::prelude::*;

/// The largest file, in bytes.
const LARGEST: usize = 20 << 20;

/// A file that was uploaded.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct File {
    name: String,
    bytes: u32,
}

/// Clients send files, not events.
#[derive(Clone, Debug, Events)]
pub enum Nothing {}

#[derive(Clone, Debug, Events)]
pub enum ToClient {
    Uploaded(File),
}

#[procedure(ws, incoming = Nothing, outgoing = ToClient)]
pub mod files {
    use super::*;
}

#[derive(Clone)]
struct Uploads {
    folder: Arc<PathBuf>,
    io: Io<files::Procedure>,
}

/// Stores one file. A `PUT` of another site's page is stopped by its browser, which asks first.
async fn upload(
    State(uploads): State<Uploads>,
    Path(name): Path<String>,
    body: Body,
) -> Result<StatusCode> {
    // What a stranger names must not lead out of the folder.
    let is_harmless = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.starts_with('.') || name.len() > 100 || !name.chars().all(is_harmless) {
        return Err(Error::bad_request("a file's name has letters, digits, `-`, `_` and `.` only"));
    }
    let Ok(body) = Limited::new(body, LARGEST).collect().await else {
        return Err(Error::payload_too_large("a file has at most 20 MiB"));
    };
    let bytes = body.to_bytes();
    let file = File { name, bytes: u32::try_from(bytes.len())? };
    tokio::fs::write(uploads.folder.join(&file.name), bytes).await?;
    uploads.io.all().uploaded(&file).await?;
    Ok(StatusCode::CREATED)
}

fn app(folder: PathBuf) -> App {
    let app = App::new().mount("post", router![files]);
    let uploads = Uploads { folder: Arc::new(folder), io: app.io::<files::Procedure>() };
    app.merge(axum::Router::new().route("/files/{name}", put(upload)).with_state(uploads))
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    let folder = PathBuf::from("uploads");
    std::fs::create_dir_all(&folder)?;
    app(folder).run().await
}

#[cfg(test)]
mod tests;
