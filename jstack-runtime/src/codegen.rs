//! Functions that expansions call. Only generated code names them; they may change in any release.
//!
//! rebuild: small functions of each type are inlined even in debug. They are then compiled with the
//! expansion, and adding a type does not recompile those of all others.
#![allow(clippy::inline_always, reason = "what is inlined is compiled where it is called")]

use std::marker::PhantomData;

use axum::response::{IntoResponse as _, Response};
use schemars::{JsonSchema, SchemaGenerator, json_schema};

use crate::error::{Failure, Result};
use crate::events::{EncodedReply, Event, Events};
use crate::http::answer::{Answer, Fallible, OutputInfo, Reply};
use crate::markers::SocketProcedure;
use crate::payload::{self, Issues};
use crate::procedure::{Kind, ParamsInfo, ProcedureInfo};
use crate::ws::{CloneExtractor, IntoOutcome};

/// The issues of an answer by the rules of its type; `ok` says that it is a `Result`.
#[doc(hidden)]
#[macro_export]
macro_rules! __issues {
    (ok $value:expr $(, $part:ty)*) => {{
        let mut issues = <$crate::__private::Issues as ::core::default::Default>::default();
        if let ::core::result::Result::Ok(value) = $value {
            $crate::__private::check!(value, &mut issues $(, $part)*);
        }
        issues
    }};
    ($value:expr $(, $part:ty)*) => {{
        let mut issues = <$crate::__private::Issues as ::core::default::Default>::default();
        $crate::__private::check!($value, &mut issues $(, $part)*);
        issues
    }};
}

/// The query `T` of a socket, and whether it may be missing: by its schema if it has one.
///
/// An inherent constant is found before that of a trait, so only a type without `JsonSchema` takes the
/// trait's.
#[doc(hidden)]
#[macro_export]
macro_rules! __params {
    ($type:ty, $optional:literal) => {{
        #[allow(unused_imports)]
        use $crate::__private::UnknownParams as _;
        <$crate::__private::Params<$type>>::INFO.optional($optional)
    }};
}

/// The query of a socket, which may have a schema.
#[doc(hidden)]
#[derive(Debug)]
pub struct Params<T>(PhantomData<T>);

impl<T: JsonSchema> Params<T> {
    /// The parameters of its schema.
    pub const INFO: ParamsInfo = ParamsInfo::new(SchemaGenerator::subschema_for::<T>);
}

/// A query whose fields are unknown.
#[doc(hidden)]
pub trait UnknownParams {
    /// Any fields.
    const INFO: ParamsInfo = ParamsInfo::new(|_| json_schema!({ "type": "object" }));
}

impl<T> UnknownParams for Params<T> {}

/// The abilities of an answer type as plain functions. This is the only place with the bound, so that
/// a type which is not an answer is one compiler error.
#[doc(hidden)]
#[derive(Debug)]
pub struct AnswerWriter<A> {
    info: Option<OutputInfo>,
    write: fn(A) -> Reply,
}

/// The abilities of `A`.
#[doc(hidden)]
#[inline(always)]
pub const fn answers<A: Answer<M>, M>() -> AnswerWriter<A> {
    AnswerWriter { info: A::INFO, write: A::answer }
}

/// As [`answers`], for a return type spelled `Result<…>`: it is never taken for a plain value, even if
/// its error type is an answer.
#[doc(hidden)]
#[inline(always)]
pub const fn results<A: Answer<Fallible<M>>, M>() -> AnswerWriter<A> {
    answers::<A, Fallible<M>>()
}

impl<A> AnswerWriter<A> {
    /// The data of a GET procedure with this answer.
    #[track_caller]
    pub const fn get(&self, name: &'static str) -> ProcedureInfo {
        ProcedureInfo::answering(name, Kind::Get, self.info)
    }

    /// The data of a POST procedure with this answer.
    #[track_caller]
    pub const fn post(&self, name: &'static str) -> ProcedureInfo {
        ProcedureInfo::answering(name, Kind::Post, self.info)
    }

    /// Writes the answer; `issues` are the rules that it breaks.
    #[inline(always)]
    pub fn reply(&self, answer: A, issues: Issues) -> Reply {
        match refusal(issues) {
            None => (self.write)(answer),
            Some(refusal) => Err(refusal),
        }
    }
}

/// The answer that replaces one which breaks its rules.
fn refusal(issues: Issues) -> Option<Response> {
    let issues = issues.into_vec();
    (!issues.is_empty()).then(|| payload::outgoing(issues).into_response())
}

/// The outcome of a handler, whose error may choose its own [`Error`] ([`Failure`]).
#[doc(hidden)]
#[macro_export]
macro_rules! __chosen {
    ($outcome:expr) => {{
        #[allow(unused_imports)]
        use $crate::__private::{Chooses as _, IsConverted as _};
        let outcome = $outcome;
        (&outcome).choice().of(outcome)
    }};
}

/// The first choice: a `Result` whose error is a [`Failure`].
#[doc(hidden)]
pub trait Chooses {
    /// Represents this choice.
    #[inline(always)]
    fn choice(&self) -> Chosen {
        Chosen
    }
}

impl<T, E: Failure> Chooses for std::result::Result<T, E> {}

/// The last choice: everything else.
#[doc(hidden)]
pub trait IsConverted {
    /// Represents this choice.
    #[inline(always)]
    fn choice(&self) -> Converted {
        Converted
    }
}

impl<O> IsConverted for &O {}

/// Converts the error by [`Failure::into_error`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Chosen;

#[allow(clippy::unused_self, reason = "method resolution chooses the type, and it this function")]
impl Chosen {
    /// The outcome, or the error that it chose.
    #[inline(always)]
    pub fn of<T, E: Failure>(
        self,
        outcome: std::result::Result<T, E>,
    ) -> Result<std::result::Result<T, E>> {
        match outcome {
            Ok(value) => Ok(Ok(value)),
            Err(failure) => Err(failure.into_error()),
        }
    }
}

/// Leaves the outcome as it is; it is converted later.
#[doc(hidden)]
#[derive(Debug)]
pub struct Converted;

#[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "the other choice may fail")]
impl Converted {
    /// The outcome.
    #[inline(always)]
    pub fn of<O>(self, outcome: O) -> Result<O> {
        Ok(outcome)
    }
}

/// The answer that replaces a failed outcome.
#[doc(hidden)]
#[inline(always)]
pub fn refused<O>(outcome: Result<O>) -> std::result::Result<O, Response> {
    match outcome {
        Ok(outcome) => Ok(outcome),
        Err(error) => Err(error.into_response()),
    }
}

/// A handler's outcome.
#[doc(hidden)]
pub fn outcome<O: IntoOutcome<()>>(outcome: O) -> Result {
    outcome.outcome()
}

/// The future of a handler, which must be `Send`; the bound is here so that the error points at the
/// handler.
#[inline(always)]
pub fn sendable<F: Future + Send>(future: F) -> F {
    future
}

/// A clone of an extractor for one event.
#[doc(hidden)]
pub fn kept<T: CloneExtractor>(extractor: &T) -> T {
    extractor.clone_for_event()
}

/// A handler's reply, or the error of its outcome: of the type that its event declares.
#[doc(hidden)]
pub fn replied<T, E, B: ?Sized, R, A, O: IntoOutcome<R>>(
    event: &Event<T, E, B, R, A>,
    outcome: O,
) -> Result<EncodedReply> {
    match outcome.outcome() {
        Ok(reply) => event.encode_reply(&reply),
        Err(error) => Err(error),
    }
}

/// The outcome of a handler of several events, which have no reply.
#[doc(hidden)]
pub fn unreplied<O: IntoOutcome<()>>(outcome: O) -> Result<EncodedReply> {
    match outcome.outcome() {
        Ok(()) => Ok(EncodedReply::none()),
        Err(error) => Err(error),
    }
}

/// Fails to evaluate if one of the variants that a handler without a reply takes declares one.
#[doc(hidden)]
#[allow(clippy::panic, reason = "it runs in the compiler alone")]
#[track_caller]
pub const fn no_reply<P: SocketProcedure>(variants: &[&str]) {
    let replies = <P::Incoming as Events>::REPLIES;
    let mut declared = 0;
    while declared < replies.len() {
        let (name, help) = replies[declared];
        let mut variant = 0;
        while variant < variants.len() {
            assert!(!same_text(variants[variant], name), "{}", help);
            variant += 1;
        }
        declared += 1;
    }
}

/// Fails to evaluate if an event declares a reply, in a set that is only outgoing.
#[doc(hidden)]
#[allow(clippy::panic, reason = "it runs in the compiler alone")]
#[track_caller]
pub const fn only_outgoing<P: SocketProcedure>() {
    if let [why, ..] = *<P::Outgoing as Events>::REPLIED {
        panic!("{}", why);
    }
}

/// Fails to evaluate if an event declares a question, in a set that is only incoming.
#[doc(hidden)]
#[allow(clippy::panic, reason = "it runs in the compiler alone")]
#[track_caller]
pub const fn only_incoming<P: SocketProcedure>() {
    if let [why, ..] = *<P::Incoming as Events>::ASKED {
        panic!("{}", why);
    }
}

const fn same_text(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}
