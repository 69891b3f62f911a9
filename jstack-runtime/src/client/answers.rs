//! Answers to the server's questions.

use std::sync::Arc;

use super::shared::Answerer;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::payload::RawPayload;

/// What answers the question `event`, without its types.
pub(super) fn answerer<T, E, B, R, A, F, Fut>(
    event: &Event<T, E, B, R, A>,
    answer: F,
) -> (&'static str, Answerer)
where
    B: ?Sized,
    T: Send + 'static,
    A: Send + 'static,
    F: Fn(T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<A>> + Send + 'static,
{
    let (parse, encode) = (event.parse_payload(), event.answer_encoder());
    let answerer: Answerer = Arc::new(move |data| {
        let question = parse(&RawPayload::new(&data));
        let answer = question.map(&answer);
        Box::pin(async move {
            let answer = answer?.await?;
            let encode = encode.ok_or_else(|| Error::internal("the event declares no answer"))?;
            let mut json = Vec::new();
            encode(&answer, &mut json)?;
            Ok(json)
        })
    });
    (event.wire_name(), answerer)
}
