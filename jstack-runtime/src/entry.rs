//! What `#[main]` makes of a program: its runtime, and the end of its process.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::process::ExitCode;

use crate::error::BoxError;
use crate::observe;
#[cfg(not(target_family = "wasm"))]
use crate::platform;
#[cfg(target_family = "wasm")]
use crate::workers;

/// The body of a program's `main`.
type Body = Pin<Box<dyn Future<Output = ExitCode>>>;

/// Runs the body of a program to its end, on `workers` threads if a number is given.
///
/// The future is boxed, so that the runtime is compiled here and not with the program.
#[doc(hidden)]
#[cfg(not(target_family = "wasm"))]
pub fn main(workers: Option<u16>, body: fn() -> Body) -> ExitCode {
    platform::block_on(workers, body())
        .unwrap_or_else(|error| failed(&*BoxError::from(format!("no runtime: {error}"))))
}

/// Notes the body of a program, which runs when there is somebody to serve: once for each
/// application in this isolate.
#[doc(hidden)]
#[cfg(target_family = "wasm")]
pub fn main(_: Option<u16>, body: fn() -> Body) -> ExitCode {
    workers::note(body);
    ExitCode::SUCCESS
}

/// What the process exits with; an `Err` is a sentence on stderr and the code 1.
#[doc(hidden)]
pub fn exit_code<R: MainResult<M>, M>(result: R) -> ExitCode {
    result.exit_code()
}

/// What `main` may return. `M` keeps the kinds of errors apart.
#[diagnostic::on_unimplemented(
    message = "`main` cannot return `{Self}`",
    label = "not `()`, an `ExitCode`, or a `Result` of one and an error",
    note = "write `async fn main() -> Result<(), BoxError>`, which `?` fills from every error"
)]
#[doc(hidden)]
pub trait MainResult<M> {
    /// Writes an error to stderr.
    fn exit_code(self) -> ExitCode;
}

/// Marks results whose error turns into a [`BoxError`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Sendable;

/// Marks results whose error is a `Box<dyn Error>`.
#[doc(hidden)]
#[derive(Debug)]
pub struct Unsendable;

#[diagnostic::do_not_recommend]
impl MainResult<()> for () {
    fn exit_code(self) -> ExitCode {
        ExitCode::SUCCESS
    }
}

#[diagnostic::do_not_recommend]
impl MainResult<()> for ExitCode {
    fn exit_code(self) -> ExitCode {
        self
    }
}

#[diagnostic::do_not_recommend]
impl MainResult<()> for Infallible {
    fn exit_code(self) -> ExitCode {
        match self {}
    }
}

#[diagnostic::do_not_recommend]
impl<T: MainResult<()>, E: Into<BoxError>> MainResult<Sendable> for Result<T, E> {
    fn exit_code(self) -> ExitCode {
        match self {
            Ok(value) => value.exit_code(),
            Err(error) => failed(&*error.into()),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T: MainResult<()>> MainResult<Unsendable> for Result<T, Box<dyn Error>> {
    fn exit_code(self) -> ExitCode {
        match self {
            Ok(value) => value.exit_code(),
            Err(error) => failed(&*error),
        }
    }
}

fn failed(error: &(dyn Error + 'static)) -> ExitCode {
    observe::to_stderr(&format_args!("error: {}", sentence(error)));
    ExitCode::FAILURE
}

/// The error and its causes. Many errors repeat their cause: it is written once.
fn sentence(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_error_is_a_sentence_with_its_causes_each_once() {
        let error: BoxError = crate::Error::internal(io::Error::other("disk full")).into();
        assert_eq!(sentence(&*error), "Internal Server Error: disk full");
        let error: BoxError = io::Error::other("disk full").into();
        assert_eq!(sentence(&*error), "disk full");
        let error: BoxError = io::Error::other(io::Error::other("disk full")).into();
        assert_eq!(sentence(&*error), "disk full");
    }

    #[test]
    fn every_usual_result_of_main_ends_the_process() {
        fn ends<R: MainResult<M>, M>(result: R, code: ExitCode) {
            assert_eq!(format!("{:?}", exit_code(result)), format!("{code:?}"));
        }
        ends((), ExitCode::SUCCESS);
        ends(ExitCode::from(7), ExitCode::from(7));
        ends(Ok::<_, BoxError>(ExitCode::from(7)), ExitCode::from(7));
        ends(Ok::<_, Box<dyn Error>>(()), ExitCode::SUCCESS);
        ends(Err::<(), _>(crate::Error::not_found("no file")), ExitCode::FAILURE);
        ends(Err::<Infallible, _>("no file"), ExitCode::FAILURE);
    }
}
