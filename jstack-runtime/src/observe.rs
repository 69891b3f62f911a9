//! Warnings and errors: to `tracing`, and for a program without a subscriber to stderr.
//!
//! A new program has no subscriber yet, and would fail silently. Each warning and error is one line on
//! stderr, and the lines of a second are bounded.

use std::fmt::{self, Display, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::platform::{Instant, write_line};

/// Lines in one second; the rest is counted.
const LINES: u32 = 20;

/// Whether this process serves an application, as a program of its own.
static IS_PROGRAM: AtomicBool = AtomicBool::new(false);

/// The current second, and its lines so far.
static WINDOW: Mutex<Option<(Instant, u32)>> = Mutex::new(None);

/// Makes this process write to stderr what no subscriber receives.
pub(crate) fn speak() {
    IS_PROGRAM.store(true, Ordering::Relaxed);
}

/// Whether stderr is the only log.
pub(crate) fn is_stderr_the_log() -> bool {
    IS_PROGRAM.load(Ordering::Relaxed) && !tracing::dispatcher::has_been_set()
}

/// Writes a line to stderr, in any case.
pub(crate) fn to_stderr(line: &dyn Display) {
    write_line(line);
}

/// Writes a line to stderr, unless this second has had enough lines.
pub(crate) fn to_stderr_within_limit(line: &dyn Display) {
    match admit(&mut WINDOW.lock(), Instant::now()) {
        Admitted::Line { left_out: 0 } => to_stderr(line),
        Admitted::Line { left_out } => {
            to_stderr(&format_args!("{left_out} more lines were left out\n{line}"));
        }
        Admitted::Nothing => {}
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Admitted {
    /// A line, preceded by the number of lines that were not written.
    Line {
        left_out: u32,
    },
    Nothing,
}

fn admit(window: &mut Option<(Instant, u32)>, now: Instant) -> Admitted {
    match window {
        Some((start, lines)) if now.duration_since(*start) < Duration::from_secs(1) => {
            *lines = lines.saturating_add(1);
            if *lines <= LINES { Admitted::Line { left_out: 0 } } else { Admitted::Nothing }
        }
        _ => {
            let before = window.replace((now, 1)).map_or(0, |(_, lines)| lines);
            Admitted::Line { left_out: before.saturating_sub(LINES) }
        }
    }
}

/// One line: the level, the message, the fields.
pub(crate) struct Line {
    level: &'static str,
    message: String,
    fields: String,
}

impl Line {
    pub(crate) fn new(level: &'static str) -> Self {
        Self { level, message: String::new(), fields: String::new() }
    }

    pub(crate) fn field(&mut self, name: &str, value: fmt::Arguments<'_>) {
        let _ = write!(self.fields, " {name}={value}");
    }

    pub(crate) fn message(&mut self, text: fmt::Arguments<'_>) {
        let _ = self.message.write_fmt(text);
    }
}

impl Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.level, self.message, self.fields)
    }
}

/// `tracing::error!`, and a line on stderr if that is the only log. Fields come first.
macro_rules! error {
    ($($told:tt)*) => { $crate::observe::event!(error, $($told)*) };
}

/// `tracing::warn!` in the same way.
macro_rules! warning {
    ($($told:tt)*) => { $crate::observe::event!(warn, $($told)*) };
}

macro_rules! event {
    ($level:ident, $($told:tt)*) => {{
        ::tracing::$level!($($told)*);
        if $crate::observe::is_stderr_the_log() {
            let mut line = $crate::observe::Line::new(stringify!($level));
            $crate::observe::fields!(line; $($told)*);
            $crate::observe::to_stderr_within_limit(&line);
        }
    }};
}

/// Reads fields as `tracing`'s macros do: `name`, `%name`, `?name`, `name = value`, with `%` or `?`.
macro_rules! fields {
    ($line:ident; $text:literal $(,)?) => { $line.message(format_args!($text)); };
    ($line:ident; % $name:ident, $($rest:tt)*) => {
        $line.field(stringify!($name), format_args!("{}", $name));
        $crate::observe::fields!($line; $($rest)*);
    };
    ($line:ident; $(?)? $name:ident, $($rest:tt)*) => {
        $line.field(stringify!($name), format_args!("{:?}", $name));
        $crate::observe::fields!($line; $($rest)*);
    };
    ($line:ident; $name:ident = % $value:expr, $($rest:tt)*) => {
        $line.field(stringify!($name), format_args!("{}", $value));
        $crate::observe::fields!($line; $($rest)*);
    };
    ($line:ident; $name:ident = $(?)? $value:expr, $($rest:tt)*) => {
        $line.field(stringify!($name), format_args!("{:?}", $value));
        $crate::observe::fields!($line; $($rest)*);
    };
}

pub(crate) use {error, event, fields, warning};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_level_the_message_and_the_fields() {
        let mut line = Line::new("error");
        let (procedure, cause) = ("post/create", "a\nb");
        fields!(line; procedure, ?cause, status = 500, id = %"x", "request failed");
        assert_eq!(
            line.to_string(),
            "error: request failed procedure=\"post/create\" cause=\"a\\nb\" status=500 id=x"
        );
    }

    #[test]
    fn a_second_has_so_many_lines_and_the_next_one_says_how_many_were_left_out() {
        let (mut window, start) = (None, Instant::now());
        for _ in 0..LINES {
            assert_eq!(admit(&mut window, start), Admitted::Line { left_out: 0 });
        }
        for _ in 0..3 {
            assert_eq!(admit(&mut window, start), Admitted::Nothing);
        }
        let later = start + Duration::from_secs(1);
        assert_eq!(admit(&mut window, later), Admitted::Line { left_out: 3 });
        assert_eq!(admit(&mut window, later), Admitted::Line { left_out: 0 });
    }
}
