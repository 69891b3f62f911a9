//! What an opening connection is sent: its welcome, or why it is refused.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Method, StatusCode, header};

use crate::close_reason::{CloseReason, ClosedBy};
use crate::error::Error;
use crate::frame::handshake::Refusal;
use crate::outbound::Frame;
use crate::protocol::frames::{self, Bye, Welcome};
use crate::rooms::{Hub, Member};

/// The first frame of a connection of the profile `v1`.
pub(super) fn welcome(hub: &Hub, member: &Member) -> Vec<u8> {
    let limits = hub.node().limits();
    let or_none = |limit: u32| (limit != 0 && limit != u32::MAX).then_some(limit);
    let expires = member.life.expires.load(Ordering::Relaxed);
    let now = hub.node().nanos() / 1_000_000;
    frames::welcome(&Welcome {
        v: 1,
        id: member.id.to_string(),
        ping: u64::try_from(limits.ping_interval.as_millis()).unwrap_or(u64::MAX),
        max: or_none(limits.message_bytes),
        rate: or_none(limits.rate),
        classes: hub.classes().incoming(),
        history: hub.has_history(),
        ttl: (expires != 0).then(|| expires.saturating_sub(now)),
    })
}

/// Pushes to a client of the profile `v1` why it is refused, as the first frame that it gets, and
/// returns the reason of the close that follows.
pub(super) fn refused(hub: &Hub, member: &Arc<Member>, error: &Error) -> CloseReason {
    let status = error.status();
    hub.leave_all(member);
    // What `#[connect]` emitted is not for a client that it refused.
    member.out().discard();
    let bye = Bye {
        code: error.code(),
        message: error.message(),
        status: Some(status.as_u16()),
        retry: status.is_server_error() || matches!(status.as_u16(), 408 | 429),
        after: error.retry_delay().map(frames::whole_millis),
        issues: if status.is_server_error() { &[] } else { error.issues() },
    };
    hub.push(member, &Frame::new(frames::bye(&bye)));
    CloseReason::new(ClosedBy::Server, frames::close_code(status), error.message().to_owned())
}

/// The answer to a request that cannot become a WebSocket.
pub(super) fn refuse(hub: &Hub, refusal: Refusal) -> Response {
    let (status, message) = match refusal {
        Refusal::NotWebSocket => (
            StatusCode::UPGRADE_REQUIRED,
            "this is a WebSocket: connect to it with `client.….$ws()` or `new WebSocket(…)`",
        ),
        Refusal::Version => (
            StatusCode::UPGRADE_REQUIRED,
            "this WebSocket speaks version 13 (`sec-websocket-version: 13`)",
        ),
        Refusal::BadRequest(why) => (StatusCode::BAD_REQUEST, why),
        Refusal::Method => {
            (StatusCode::METHOD_NOT_ALLOWED, "this is a WebSocket: it is opened with GET")
        }
    };
    hub.node().meters().refused.handshake.increment(1);
    let mut response = Error::with_code(status, "handshake", message).into_response();
    let headers = response.headers_mut();
    match refusal {
        Refusal::NotWebSocket => {
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        Refusal::Version => {
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        Refusal::Method => {
            headers.insert(header::ALLOW, HeaderValue::from_static(Method::GET.as_str()));
        }
        Refusal::BadRequest(_) => {}
    }
    response
}
