//! Writing the contract to files, and checking that they are up to date.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use super::contract::Contract;

impl Contract {
    /// Writes `api.ts`, `openapi.json`, `asyncapi.json` and `contract.json` into `dir`, and creates `dir` if
    /// needed.
    ///
    /// A file that is up to date is not touched, so that file watchers do not react. Fails with the error of
    /// the file system, and with [`InvalidData`](io::ErrorKind::InvalidData) where
    /// [`typescript`](Self::typescript) fails; then nothing is written.
    ///
    /// ```
    /// # use jstack_runtime::App;
    /// # fn main() -> std::io::Result<()> {
    /// # let app: App = App::new();
    /// let dir = std::env::temp_dir().join("contract");
    /// app.describe().export(&dir)?;
    /// assert!(dir.join("openapi.json").exists());
    /// # Ok(()) }
    /// ```
    pub fn export(&self, dir: impl AsRef<Path>) -> io::Result<()> {
        let dir = dir.as_ref();
        let typescript =
            self.typescript().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        write(&dir.join("api.ts"), &typescript)?;
        write(&dir.join("openapi.json"), &json(&self.openapi()))?;
        write(&dir.join("asyncapi.json"), &json(&self.asyncapi()))?;
        write(&dir.join("contract.json"), &json(&self.json()))
    }
}

/// The text of a document: the same whatever features other crates have asked of `serde_json`.
pub(crate) fn json(document: &Value) -> String {
    let mut document = document.clone();
    document.sort_all_objects();
    format!("{document:#}\n")
}

/// Writes `text` to `path` unless it is there already.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|there| same(&there, text)) {
        return Ok(());
    }
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(path, text)
}

/// Whether two texts differ in their line ends at most, which git may have changed.
fn same(a: &str, b: &str) -> bool {
    a.lines().eq(b.lines())
}

/// The first line in which the file at `path` differs from `text`, in both versions; `None` if equal.
pub(crate) fn difference(path: &Path, text: &str) -> io::Result<Option<String>> {
    let there = match fs::read_to_string(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some("it does not exist".to_owned()));
        }
        Err(error) => return Err(error),
    };
    if same(&there, text) {
        return Ok(None);
    }
    let (mut old, mut new) = (there.lines(), text.lines());
    let mut number = 1;
    loop {
        match (old.next(), new.next()) {
            (a, b) if a == b && a.is_some() => number += 1,
            (a, b) => {
                let show = |line: Option<&str>| {
                    line.map_or("nothing".to_owned(), |l| format!("`{}`", l.trim()))
                };
                return Ok(Some(format!("line {number} is {}, should be {}", show(a), show(b))));
            }
        }
    }
}
