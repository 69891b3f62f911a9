//! `POST <base>/_emit`: emitting for programs in other languages.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::catalog::{Catalog, Emission};
use super::settings::AdminToken;
use crate::error::{Error, Result};
use crate::http::bearer::token;
use crate::http::input::body_text;
use crate::http::problem;
use crate::limits::or_none;
use crate::observe;
use crate::payload::{Payload, RawPayload};
use crate::rate::{Count, Rate};
use crate::socket_id::SocketId;

/// Wrong tokens that are answered with a 401 and logged: one a second, and ten at once. The others get a
/// 429. The right token always passes, so that nobody can lock its owner out.
const FAILURES: (u32, u32) = (1, 10);

/// Headers that browsers add to every request of a page, and that pages cannot remove.
const OF_BROWSERS: [&str; 2] = ["origin", "sec-fetch-site"];

/// The body that a program sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    procedure: String,
    /// Everyone on the procedure, if it is missing.
    #[serde(default)]
    room: Option<String>,
    event: String,
    /// The payload; `null` if it is missing.
    #[serde(default)]
    data: Option<Box<RawValue>>,
    /// The connections that do not get it.
    #[serde(default)]
    except: Except,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a socket's id, or a list of such ids")]
enum Except {
    One(SocketId),
    Many(Vec<SocketId>),
}

impl Default for Except {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Payload for Body {}

/// The contract does not cover it: any value is tried.
impl JsonSchema for Body {
    fn schema_name() -> Cow<'static, str> {
        "Emission".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        true.into()
    }
}

struct Admin {
    catalog: Catalog,
    token: AdminToken,
    failures: Mutex<Count>,
}

/// The route, for programs that have the token.
pub(super) fn route(catalog: Catalog, token: AdminToken) -> MethodRouter {
    let admin = Arc::new(Admin { catalog, token, failures: Mutex::default() });
    axum::routing::any(move |request: Request| {
        let admin = admin.clone();
        async move { admin.answer(request).await }
    })
}

impl Admin {
    async fn answer(&self, request: Request) -> Response {
        match self.emit(request).await {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(error) => {
                let status = error.status();
                let mut response = error.into_response();
                problem::rewrite(&mut response);
                let headers = response.headers_mut();
                if status == StatusCode::UNAUTHORIZED {
                    let bearer = HeaderValue::from_static("Bearer");
                    headers.insert(header::WWW_AUTHENTICATE, bearer);
                } else if status == StatusCode::METHOD_NOT_ALLOWED {
                    headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
                }
                response
            }
        }
    }

    async fn emit(&self, request: Request) -> Result {
        let (parts, body) = request.into_parts();
        check_sender(&parts.method, &parts.headers)?;
        self.check_token(&parts.headers)?;
        let limit = or_none(self.catalog.context.limits().body_bytes);
        let body = body_text(&parts.headers, body, limit).await?.unwrap_or_default();
        let text = std::str::from_utf8(&body)
            .map_err(|error| Error::bad_request(format!("the body is not UTF-8: {error}")))?;
        let body: Body = RawPayload::new(text).parse()?;
        self.catalog
            .emit(Emission {
                procedure: &body.procedure,
                room: body.room.as_deref(),
                event: &body.event,
                data: body.data.as_deref().map_or("null", RawValue::get),
                except: match &body.except {
                    Except::One(id) => std::slice::from_ref(id),
                    Except::Many(ids) => ids,
                },
            })
            .await
    }

    fn check_token(&self, headers: &HeaderMap) -> Result {
        let sent = token(headers);
        if sent.is_some_and(|sent| self.token.admits(sent)) {
            return Ok(());
        }
        let now = self.catalog.context.node().nanos();
        let rate = Rate::new(FAILURES.0, FAILURES.1);
        if !self.failures.lock().try_acquire(rate, now) {
            return Err(Error::too_many_requests("too many requests came with a wrong token")
                .retry_after(Duration::from_secs(1)));
        }
        observe::warning!("an emit over HTTP was refused: its token is wrong or missing");
        Err(Error::unauthorized(match sent {
            Some(_) => {
                "the token is wrong: it must be that of `App::admin` or `JSTACK_ADMIN_TOKEN`"
            }
            None => "a token is missing: send `authorization: Bearer <token>`",
        }))
    }
}

fn check_sender(method: &Method, headers: &HeaderMap) -> Result {
    if OF_BROWSERS.iter().any(|name| headers.contains_key(*name)) {
        return Err(Error::forbidden(
            "this is for programs, not for pages: a page's token would be everybody's",
        ));
    }
    if method != Method::POST {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return Err(Error::with_code(status, "method", "405 Method Not Allowed: send a POST"));
    }
    Ok(())
}
