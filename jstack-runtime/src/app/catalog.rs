//! The procedures by their names: emitting without the types of the events.

use std::sync::Arc;

use http::StatusCode;

use super::builder::App;
use crate::app_context::AppContext;
use crate::error::{Error, Issue, Result};
use crate::events::{Target, To};
use crate::nearest::nearest;
use crate::payload::RawPayload;
use crate::procedure::{EventInfo, ProcedureInfo};
use crate::rooms::Hub;
use crate::socket_id::SocketId;
use crate::untrusted::Untrusted;

/// The WebSocket procedures of an application by name, for programs and people without its types.
pub(super) struct Catalog {
    pub(super) context: Arc<AppContext>,
    /// By path, as `post/chat`.
    pub(super) procedures: Vec<(String, ProcedureInfo)>,
}

/// One event to emit, as text.
pub(super) struct Emission<'a> {
    pub(super) procedure: &'a str,
    /// `None` for everyone on the procedure.
    pub(super) room: Option<&'a str>,
    pub(super) event: &'a str,
    /// The payload in JSON.
    pub(super) data: &'a str,
    pub(super) except: &'a [SocketId],
}

impl<S> App<S> {
    /// The procedures by their names, to emit without types.
    pub(super) fn catalog(&self) -> Catalog {
        let procedures = self.routes.iter().map(|mounted| (mounted.path.clone(), mounted.info));
        Catalog { context: self.common.context.clone(), procedures: procedures.collect() }
    }
}

impl Catalog {
    /// Emits after checking the names and the payload against the contract.
    ///
    /// Fails with a 404 for an unknown procedure or event, and with a 422 for an invalid room name
    /// or payload. The paths of a payload's fields start with `data`. Errors of the emit are passed
    /// on.
    pub(super) async fn emit(&self, emission: Emission<'_>) -> Result {
        let (hub, events) = self.procedure(emission.procedure)?;
        let event = find_event(&emission, &events)?;
        let emitted = {
            let to = emission.room.map_or(To::All, |room| To::Room(room.into()));
            let target = Target::new(&*hub, to);
            let target = emission.except.iter().fold(target, Target::except);
            target.send_json(event.name, event.recode, &RawPayload::new(emission.data))
        };
        emitted.await.map_err(below_data)
    }

    /// The rooms of the WebSocket procedure at `path`, and the events that its clients get.
    pub(super) fn procedure(&self, path: &str) -> Result<(Arc<Hub>, Vec<EventInfo>)> {
        let path = path.trim_matches('/');
        match self.procedures.iter().find(|(known, _)| known == path) {
            Some((_, ProcedureInfo { events: Some(events), .. })) => {
                Ok((self.context.hub_of(events.marker), (events.outgoing)()))
            }
            Some((_, info)) => Err(self.unknown(format!(
                "`{}` is a {} procedure, and only WebSocket procedures have events",
                Untrusted(path),
                info.kind
            ))),
            None => Err(self.unknown(
                format!("no procedure is called `{}`", Untrusted(path)) + &self.meant(path),
            )),
        }
    }

    fn sockets(&self) -> impl Iterator<Item = &str> {
        let sockets = self.procedures.iter().filter(|(_, info)| info.events.is_some());
        sockets.map(|(path, _)| path.as_str())
    }

    fn meant(&self, path: &str) -> String {
        nearest(path, self.sockets())
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
    }

    fn unknown(&self, mut message: String) -> Error {
        if !message.ends_with('?') {
            message += &listed(self.sockets(), "WebSocket procedures");
        }
        not_found("unknown_procedure", "procedure", message)
    }
}

fn find_event<'a>(emission: &Emission<'_>, events: &'a [EventInfo]) -> Result<&'a EventInfo> {
    let names = || events.iter().map(|event| event.name);
    let name = emission.event;
    let Some(event) = events.iter().find(|event| event.name == name) else {
        let shown = Untrusted(name);
        let what_else = match nearest(name, names()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => listed(names(), "events"),
        };
        let message = format!("clients of this procedure get no event called `{shown}`{what_else}");
        return Err(not_found("unknown_event", "event", message));
    };
    Ok(event)
}

fn listed<'a>(names: impl Iterator<Item = &'a str>, what: &str) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        return format!("; there are no {what}");
    }
    format!("; there is {}", names.join(", "))
}

fn not_found(code: &'static str, field: &str, message: String) -> Error {
    let issue = Issue::new(field, message.clone());
    Error::with_code(StatusCode::NOT_FOUND, code, message).with_issues(vec![issue])
}

/// The issues of a payload, as fields of the request that carried it.
fn below_data(error: Error) -> Error {
    if error.status() != StatusCode::UNPROCESSABLE_ENTITY || error.code() != "invalid" {
        return error;
    }
    let issues = error.issues().iter().map(|issue| {
        let dot = if issue.path.is_empty() || issue.path.starts_with('[') { "" } else { "." };
        Issue::new(format!("data{dot}{}", issue.path), issue.message.clone())
    });
    Error::invalid(issues.collect())
}
