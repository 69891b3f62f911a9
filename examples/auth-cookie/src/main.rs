//! Signing in with a cookie: an extractor checks it, so a stranger gets a 401 instead of a socket.
//!
//! `cargo run -p auth-cookie`; `POST /api/account/signIn` with `{"name":"ann","password":"secret"}`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::FromRequestParts;
use axum::http::{header, request::Parts};
use jstack_runtime::prelude::*;

/// Who is signed in, by the token in the cookie. A real program keeps this in its database.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<HashMap<String, String>>>);

/// The user who sends the request. Handlers that name it are for signed-in users only.
#[derive(Clone)]
pub struct User {
    name: String,
}

impl FromRequestParts<Sessions> for User {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, sessions: &Sessions) -> Result<Self> {
        let cookies = parts.headers.get(header::COOKIE).and_then(|value| value.to_str().ok());
        let token = cookies
            .into_iter()
            .flat_map(|all| all.split("; "))
            .find_map(|cookie| cookie.strip_prefix("session="));
        let sessions = sessions.0.lock().map_err(|_| Error::service_unavailable("try again"))?;
        let name = token.and_then(|token| sessions.get(token)).cloned();
        name.map(|name| Self { name }).ok_or_else(|| Error::unauthorized("sign in first"))
    }
}

/// What a user types to sign in.
#[derive(Deserialize, JsonSchema, Validate, Payload)]
pub struct SignIn {
    #[garde(length(chars, min = 1, max = 64))]
    name: String,
    #[garde(length(chars, min = 1, max = 200))]
    password: String,
}

/// Signs a user in, and sets the cookie.
#[procedure(post, input = SignIn)]
pub async fn sign_in(
    State(sessions): State<Sessions>,
    sign_in: SignIn,
) -> Result<Raw<[(header::HeaderName, String); 1]>> {
    // A real program compares the hash in its database, with argon2 for example.
    if sign_in.password != "secret" {
        return Err(Error::unauthorized("the name or the password is wrong"));
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(Error::internal)?;
    let token = format!("{:032x}", u128::from_be_bytes(random));
    let mut sessions = sessions.0.lock().map_err(|_| Error::service_unavailable("try again"))?;
    sessions.insert(token.clone(), sign_in.name);
    // Scripts cannot read it, and other sites cannot send it.
    let cookie = format!("session={token}; Path=/; HttpOnly; Secure; SameSite=Lax");
    Ok(Raw([(header::SET_COOKIE, cookie)]))
}

/// Something that somebody said.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Said {
    by: String,
    text: String,
}

/// The events that clients send.
#[derive(Clone, Debug, Events)]
pub enum ToServer {
    Say(String),
}

/// The events that clients receive.
#[derive(Clone, Debug, Events)]
pub enum ToClient {
    Said(Said),
}

#[procedure(ws, incoming = ToServer, outgoing = ToClient)]
pub mod chat {
    use super::*;

    #[on(Say)]
    async fn say(user: User, io: Io, text: String) -> Result {
        // The name comes from the session: what a client says about itself proves nothing.
        io.all().said(&Said { by: user.name, text }).await
    }
}

fn app() -> App {
    App::new()
        .mount("account", router![sign_in])
        .mount("post", router![chat])
        .with_state(Sessions::default())
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    app().run().await
}

#[cfg(test)]
mod tests;
