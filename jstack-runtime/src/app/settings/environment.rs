//! The environment: the process' variables, and the files `.dev.vars` and `.env` beside it.

use std::collections::BTreeMap;
use std::path::Path;

/// The files, the stronger one first; the process' own variables win over both.
const FILES: [&str; 2] = [".dev.vars", ".env"];

/// Variables by name, each with where it was found. The process' environment is only read:
/// other threads may be reading it too.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, (String, &'static str)>,
}

impl Environment {
    /// The variables of the process and of the files in the current directory.
    ///
    /// Fails for a file that is there and cannot be read, and for a line that is no assignment.
    pub(crate) fn read() -> Result<Self, String> {
        let mut environment = Self::default();
        for file in FILES.iter().rev() {
            environment.add_file(Path::new(file), file)?;
        }
        for (name, value) in std::env::vars_os() {
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
                environment.variables.insert(name, (value, "environment"));
            }
        }
        Ok(environment)
    }

    /// What a file says, for tests.
    #[cfg(test)]
    pub(super) fn of(text: &str) -> Self {
        let mut environment = Self::default();
        environment.add_text(text, ".env").expect("assignments");
        environment
    }

    fn add_file(&mut self, path: &Path, name: &'static str) -> Result<(), String> {
        match std::fs::read_to_string(path) {
            Ok(text) => self.add_text(&text, name),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(format!("the file `{name}` cannot be read: {error}")),
        }
    }

    /// Adds the assignments of a file's text.
    fn add_text(&mut self, text: &str, file: &'static str) -> Result<(), String> {
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = || {
                // The line may hold a secret: only its number is told.
                format!("`{file}`, line {}: write `NAME=value`", number + 1)
            };
            let (name, value) = line.split_once('=').ok_or_else(wrong)?;
            let name = name.trim();
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(wrong());
            }
            let value = value_of(value.trim()).ok_or_else(wrong)?;
            self.variables.insert(name.to_owned(), (value, file));
        }
        Ok(())
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

/// A value without its quotes and without a comment behind it.
fn value_of(text: &str) -> Option<String> {
    for quote in ['"', '\'', '`'] {
        let Some(rest) = text.strip_prefix(quote) else { continue };
        let end = rest.find(quote)?;
        let behind = rest[end + 1..].trim_start();
        let inner = &rest[..end];
        let whole = behind.is_empty() || behind.starts_with('#');
        return whole
            .then(|| if quote == '"' { inner.replace("\\n", "\n") } else { inner.to_owned() });
    }
    let end = text.find(" #").unwrap_or(text.len());
    Some(text[..end].trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_as_dotenv_writes_them() {
        let mut environment = Environment::default();
        let text = "# a comment\n\nA=1\nexport B = two words # behind\nC=\"x # y\" # z\nD='q'\nE=\nF=a=b#c\n";
        environment.add_text(text, ".env").expect("text");
        let get = |name| environment.get(name).map(|(value, _)| value);
        assert_eq!(get("A"), Some("1"));
        assert_eq!(get("B"), Some("two words"));
        assert_eq!(get("C"), Some("x # y"));
        assert_eq!(get("D"), Some("q"));
        assert_eq!(get("E"), None);
        assert_eq!(get("F"), Some("a=b#c"));
    }

    #[test]
    fn a_line_that_is_no_assignment_is_named_by_its_number_and_never_shown() {
        for text in ["A=1\nhunter2", "A=1\n=hunter2", "\nB=\"hunter2"] {
            let error = Environment::default().add_text(text, ".env").expect_err(text);
            assert!(error.contains("`.env`, line 2") && !error.contains("hunter2"), "{error}");
        }
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
