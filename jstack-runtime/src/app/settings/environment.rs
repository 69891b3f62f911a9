//! The environment: the process' variables, and the files `.dev.vars` and `.env` beside it.

use std::collections::BTreeMap;
#[cfg(not(target_family = "wasm"))]
use std::io::ErrorKind;
#[cfg(not(target_family = "wasm"))]
use std::path::Path;

#[cfg(not(target_family = "wasm"))]
use super::dotenv::{self, is_ours};
#[cfg(target_family = "wasm")]
use crate::platform::workers::bindings;

/// The files, the stronger one first; the process' own variables win over both.
#[cfg(not(target_family = "wasm"))]
const FILES: [&str; 2] = [".dev.vars", ".env"];

/// Variables by name, each with where it was found. The process' environment is only read:
/// other threads may be reading it too.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, (String, &'static str)>,
    /// The skipped lines of the files, each as a sentence.
    skipped: Vec<String>,
}

#[cfg(not(target_family = "wasm"))]
impl Environment {
    /// The variables of the process and of the files in the current directory.
    ///
    /// Fails for a file that exists and is unreadable, and for an unreadable line that sets a variable
    /// of this crate. Lines of other programs in the files are ignored.
    pub(crate) fn read() -> Result<Self, String> {
        let mut environment = Self::default();
        for file in FILES.iter().rev() {
            environment.add_file(Path::new(file), file)?;
        }
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => {
                    environment.variables.insert(name, (value, "environment"));
                }
                Err(_) if is_ours(&name) => {
                    return Err(format!("{name} in the environment is not UTF-8"));
                }
                Err(_) => {}
            }
        }
        Ok(environment)
    }

    /// The content of a file, for tests.
    #[cfg(test)]
    pub(super) fn of(text: &str) -> Self {
        let mut environment = Self::default();
        environment.add_text(text, ".env").expect("assignments");
        environment
    }

    fn add_file(&mut self, path: &Path, name: &'static str) -> Result<(), String> {
        match std::fs::read(path) {
            Ok(bytes) => self.add_text(&dotenv::decode(&bytes), name),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            // A virtual environment of Python, for example.
            Err(_) if path.is_dir() => {
                self.skipped
                    .push(format!("`{name}` is a directory: no variables are read from it"));
                Ok(())
            }
            Err(error) => Err(format!("the file `{name}` cannot be read: {error}")),
        }
    }

    /// Adds the assignments of a file's text.
    fn add_text(&mut self, text: &str, file: &'static str) -> Result<(), String> {
        let parsed = dotenv::parse(text);
        // A line may contain a secret: only its number is shown.
        if let Some(line) = parsed.wrong.first() {
            return Err(format!(
                "`{file}`, line {line}: write `NAME=value` in UTF-8; a value with a quote before it \
                 ends with the same quote"
            ));
        }
        for line in parsed.skipped {
            self.skipped.push(format!("`{file}`, line {line} is not `NAME=value`: it is skipped"));
        }
        for assignment in parsed.assignments {
            self.variables.insert(assignment.name, (assignment.value, file));
        }
        Ok(())
    }
}

#[cfg(target_family = "wasm")]
impl Environment {
    /// The variables and secrets among the bindings of the application that starts. `wrangler dev`
    /// reads them from `.dev.vars`.
    #[allow(clippy::unnecessary_wraps, reason = "the native one may fail")]
    pub(crate) fn read() -> Result<Self, String> {
        let with = |(name, value)| (name, (value, "binding"));
        let variables = bindings::variables().into_iter().map(with).collect();
        Ok(Self { variables, skipped: Vec::new() })
    }
}

impl Environment {
    /// The skipped lines of the files, each as a sentence.
    pub(crate) fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// A variable's value and where it comes from; one that is empty counts as not set.
    pub(crate) fn get(&self, name: &str) -> Option<(&str, &'static str)> {
        let (value, from) = self.variables.get(name)?;
        (!value.trim().is_empty()).then_some((value, from))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_ours_that_cannot_be_read_is_named_by_its_number_and_never_shown() {
        for text in ["A=1\nJSTACK_NAME hunter2", "\nREDIS_URL=\"hunter2"] {
            let error = Environment::default().add_text(text, ".env").expect_err(text);
            assert!(error.contains("`.env`, line 2") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_line_of_another_program_is_named_and_the_others_are_read() {
        let environment = Environment::of("A=1\nhunter2 is what I typed\nB=2");
        assert_eq!(environment.skipped(), ["`.env`, line 2 is not `NAME=value`: it is skipped"]);
        assert_eq!(environment.get("B"), Some(("2", ".env")));
    }

    #[test]
    fn a_directory_is_passed_over_and_a_missing_file_is_nothing() {
        let mut environment = Environment::default();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        environment.add_file(folder, ".env").expect("passed over");
        assert!(environment.skipped()[0].contains("`.env` is a directory"));
        environment.add_file(&folder.join("no such file"), ".env").expect("nothing");
        assert_eq!(environment.skipped().len(), 1);
    }

    #[test]
    fn an_empty_value_counts_as_not_set() {
        assert_eq!(Environment::of("E=\nF=' '").get("E"), None);
    }

    #[test]
    fn the_later_text_wins() {
        let mut environment = Environment::default();
        environment.add_text("A=1\nB=1", ".env").expect("text");
        environment.add_text("A=2", ".dev.vars").expect("text");
        assert_eq!(environment.get("A"), Some(("2", ".dev.vars")));
        assert_eq!(environment.get("B"), Some(("1", ".env")));
    }
}
