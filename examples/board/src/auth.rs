//! Signing in: tokens that expire, how to renew one, and the extractor that asks for one.
//!
//! Anybody gets in under any name, and tokens are known to this process alone. In your application
//! they come from an identity provider, and the extractor checks their signature.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jstack_runtime::axum::extract::FromRequestParts;
use jstack_runtime::axum::http::request::Parts;
use jstack_runtime::prelude::*;
use uuid::Uuid;

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    /// When the token ends.
    ends: Instant,
}

impl User {
    /// How long the token is still valid.
    pub(crate) fn time_left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }
}

/// The valid tokens.
#[derive(Clone)]
pub(crate) struct Tokens {
    lifetime: Duration,
    users: Arc<Mutex<HashMap<String, User>>>,
}

impl Tokens {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self { lifetime, users: Arc::default() }
    }

    fn issue(&self, id: String, name: String) -> Ticket {
        let now = Instant::now();
        let token = Uuid::new_v4().simple().to_string();
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.retain(|_, user| user.ends > now);
        users.insert(token.clone(), User { id: id.clone(), name, ends: now + self.lifetime });
        Ticket { token, user_id: id }
    }

    fn user(&self, token: &str) -> Option<User> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.get(token).filter(|user| user.ends > Instant::now()).cloned()
    }
}

/// One extractor for GET, POST and sockets: the npm client sends the token with the handshake of a
/// socket too.
impl FromRequestParts<Tokens> for User {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, tokens: &Tokens) -> Result<Self> {
        let Bearer(token) = Bearer::from_request_parts(parts, tokens).await?;
        tokens
            .user(&token)
            .ok_or_else(|| Error::unauthorized("sign in again: the token has expired"))
    }
}

/// Who wants to sign in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub(crate) struct Credentials {
    /// The name that others see.
    #[garde(length(chars, min = 1, max = 40))]
    pub(crate) name: String,
}

/// A token, and whose it is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ticket {
    /// For `Authorization: Bearer …`.
    pub(crate) token: String,
    pub(crate) user_id: String,
}

/// Signs in under a name.
#[procedure(post, input = Credentials)]
pub(crate) async fn sign_in(State(tokens): State<Tokens>, who: Credentials) -> Ticket {
    tokens.issue(Uuid::new_v4().simple().to_string(), who.name)
}

/// Exchanges a token that is still valid for a newer one.
#[procedure(post)]
pub(crate) async fn renew(State(tokens): State<Tokens>, user: User) -> Ticket {
    tokens.issue(user.id, user.name)
}

pub(crate) fn router() -> Router<Tokens> {
    router![sign_in, renew]
}
