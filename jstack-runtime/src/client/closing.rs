//! When a connection ends: whether another attempt makes sense.

use std::time::Duration;

use http::StatusCode;

use super::failure::{self, Refusal, millis};
use crate::error::Error;

/// How a connection, or an attempt at one, ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) code: u16,
    pub(super) cause: Error,
    /// Another attempt cannot change it.
    pub(super) is_final: bool,
    /// The credentials were refused.
    pub(super) unauthorized: bool,
    /// When to come back.
    pub(super) after: Option<Duration>,
}

impl End {
    /// An end that the client made out itself.
    pub(super) fn of(cause: Error) -> Self {
        Self { code: 1006, cause, is_final: false, unauthorized: false, after: None }
    }
}

/// Whether a close code ends it for good. 1000 does not: proxies say it. 1009 does only where the
/// server has named its limit.
fn is_final(code: u16, v1: bool) -> bool {
    match code {
        1009 => v1,
        4408 | 4429 => false,
        1008 | 4400..=4499 => true,
        _ => false,
    }
}

/// Judges a close. `$bye` counts more than the code.
pub(super) fn judge(
    code: u16,
    reason: &str,
    was_open: bool,
    bye: Option<&Refusal>,
    v1: bool,
) -> End {
    let status = bye.and_then(|bye| bye.status);
    let status = status.or_else(|| (4400..=4599).contains(&code).then(|| code - 4000));
    let cause = bye.map_or_else(
        || {
            let text = match reason {
                "" if was_open => format!("the connection was lost ({code})"),
                "" => format!("no connection came about ({code})"),
                reason => reason.to_owned(),
            };
            let status = status.and_then(|status| StatusCode::from_u16(status).ok());
            let status = status.unwrap_or(StatusCode::BAD_GATEWAY);
            Error::with_code(status, if was_open { "lost" } else { "connect" }, text)
        },
        Refusal::error,
    );
    End {
        code,
        cause,
        is_final: match bye.and_then(|bye| bye.retry) {
            Some(retry) => !retry,
            None => is_final(code, v1),
        },
        unauthorized: status == Some(401),
        after: bye.and_then(|bye| bye.after).map(millis),
    }
}

/// Judges an answer to the handshake that is not an upgrade.
///
/// 400 is not final: proxies give it to a subprotocol that they do not know, which is why an attempt
/// without subprotocols follows.
pub(super) fn refused(status: StatusCode, refusal: &Refusal) -> End {
    let is_final = status.is_client_error()
        && !matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
        );
    let cause = refusal.error();
    let code = if status.is_client_error() { 4000 + status.as_u16() } else { 1006 };
    let cause =
        if refusal.code.is_none() && !is_final { failure::connect(cause.message()) } else { cause };
    let after = refusal.after.map(millis);
    End { code, cause, is_final, unauthorized: status == StatusCode::UNAUTHORIZED, after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_whether_to_come_back_and_bye_says_more() {
        let is_final = |code| judge(code, "", true, None, true).is_final;
        for code in [1008, 1009, 4400, 4401, 4403, 4404, 4422, 4499] {
            assert!(is_final(code), "{code}");
        }
        for code in [1000, 1001, 1005, 1006, 1011, 1012, 1013, 3000, 4000, 4408, 4429, 4500] {
            assert!(!is_final(code), "{code}");
        }
        assert!(!judge(1009, "", true, None, false).is_final);
        let bye = |retry| Refusal { retry, ..Refusal::default() };
        assert!(!judge(4403, "", true, Some(&bye(Some(true))), true).is_final);
        assert!(judge(1000, "", true, Some(&bye(Some(false))), true).is_final);
        assert!(judge(4403, "", true, Some(&bye(None)), true).is_final);
    }
}
