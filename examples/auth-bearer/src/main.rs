//! Signing in with `Authorization: Bearer …`, as programs and native clients do.
//!
//! Browsers cannot send this header with a WebSocket: pages use a cookie (see `auth-cookie`).
//!
//! `cargo run -p auth-bearer`, then
//! `curl -H 'authorization: Bearer ann-token' 127.0.0.1:8080/api/account/me`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::{header, request::Parts};
use jstack_runtime::prelude::*;

/// The users by their tokens. With JWTs, this is the key that checks their signature.
#[derive(Clone)]
pub struct Tokens(Arc<HashMap<&'static str, &'static str>>);

/// The user whose token the request has.
#[derive(Clone)]
pub struct User {
    name: &'static str,
}

impl FromRequestParts<Tokens> for User {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, tokens: &Tokens) -> Result<Self> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer "));
        let Some(token) = token else {
            return Err(Error::unauthorized("the header `Authorization: Bearer …` is missing"));
        };
        match tokens.0.get(token) {
            Some(name) => Ok(Self { name }),
            None => Err(Error::unauthorized("the token is not valid")),
        }
    }
}

/// The name of the user.
#[procedure(get)]
pub async fn me(user: User) -> &'static str {
    user.name
}

/// The events of `notes`.
#[derive(Clone, Debug, Events)]
pub enum Notes {
    /// A text for all devices of the user.
    Note(String),
}

#[procedure(ws, incoming = Notes, outgoing = Notes)]
pub mod notes {
    use super::*;

    // Extractors run once, before the upgrade: without a valid token, the answer is the 401.
    #[connect]
    async fn connect(user: User, socket: Socket) -> Result {
        socket.join(user.name).await
    }

    #[on(Note)]
    async fn note(user: User, io: Io, text: String) -> Result {
        io.to(user.name).note(&text).await
    }
}

fn app() -> App {
    let tokens = HashMap::from([("ann-token", "ann"), ("bob-token", "bob")]);
    App::new()
        .mount("account", router![me])
        .mount("post", router![notes])
        .with_state(Tokens(Arc::new(tokens)))
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    app().run().await
}

#[cfg(test)]
mod tests;
