//! Questions that wait for a client's answer.

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::error::Result;
use crate::platform::HashMap;

/// The questions of one connection.
#[derive(Default)]
pub(super) struct Questions(Mutex<State>);

#[derive(Default)]
struct State {
    asked: u64,
    waiting: HashMap<u64, oneshot::Sender<Result<Box<str>>>>,
    ended: bool,
}

impl Questions {
    /// Adds a question and returns its number and the receiver of its answer; `None` once the
    /// connection has ended.
    pub(super) fn begin(&self) -> Option<(u64, oneshot::Receiver<Result<Box<str>>>)> {
        let mut state = self.0.lock();
        if state.ended {
            return None;
        }
        state.asked += 1;
        let (number, (sender, receiver)) = (state.asked, oneshot::channel());
        state.waiting.insert(number, sender);
        Some((number, receiver))
    }

    /// Passes an answer on; `false` if its question was cancelled.
    pub(super) fn answer(&self, number: u64, answer: Result<&str>) -> bool {
        let sender = self.0.lock().waiting.remove(&number);
        sender.is_some_and(|sender| sender.send(answer.map(Box::from)).is_ok())
    }

    /// Cancels a question.
    pub(super) fn forget(&self, number: u64) {
        self.0.lock().waiting.remove(&number);
    }

    /// Cancels all questions: the connection has ended.
    pub(super) fn end(&self) {
        let mut state = self.0.lock();
        state.ended = true;
        state.waiting = HashMap::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_question_has_one_answer_and_none_after_the_end() {
        let questions = Questions::default();
        let (first, mut one) = questions.begin().unwrap();
        let (second, mut two) = questions.begin().unwrap();
        assert!(questions.answer(second, Ok("2")));
        assert!(!questions.answer(second, Ok("again")));
        assert_eq!(two.try_recv().unwrap().unwrap().as_ref(), "2");
        questions.end();
        assert!(!questions.answer(first, Ok("1")));
        assert!(one.try_recv().is_err() && questions.begin().is_none());
    }
}
