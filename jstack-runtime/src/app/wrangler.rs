//! The configuration with which wrangler deploys the application to Cloudflare Workers.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::cli::CommandError;

const FILE: &str = "wrangler.jsonc";

/// Writes the configuration into `folder`, unless there is one, and says what comes next.
pub(super) fn write(folder: &Path, program: &str) -> Result<String, CommandError> {
    let path = folder.join(FILE);
    let failed = |error: std::io::Error| CommandError::new(format!("{}: {error}", path.display()));
    let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(CommandError::new(format!(
                "`{FILE}` exists and stays as it is; this is what would be in it:\n{}",
                configuration(program)
            )));
        }
        Err(error) => return Err(failed(error)),
    };
    file.write_all(configuration(program).as_bytes()).map_err(failed)?;
    Ok(format!(
        "{FILE} is written. What comes next:\n  \
         cargo install jstack-worker-build@{version}   once\n  \
         npx wrangler dev                             on http://localhost:8080, with the variables in .dev.vars\n  \
         npx wrangler secret put NAME                 for each secret\n  \
         npx wrangler deploy\n",
        version = env!("CARGO_PKG_VERSION")
    ))
}

/// The configuration of a program.
fn configuration(program: &str) -> String {
    format!(
        r#"{{
  "$schema": "node_modules/wrangler/config-schema.json",
  "name": "{name}",
  "main": "build/worker/index.js",
  "compatibility_date": "2026-04-01",
  // Small for `wrangler deploy`, quick to build for `wrangler dev`.
  "build": {{ "command": "jstack-worker-build", "watch_dir": "src" }},
  // The application's rooms and connections are in one Durable Object.
  "durable_objects": {{ "bindings": [{{ "name": "JSTACK", "class_name": "JstackObject" }}] }},
  "migrations": [{{ "tag": "v1", "new_sqlite_classes": ["JstackObject"] }}],
  "dev": {{ "port": 8080 }}
}}
"#,
        name = worker_name(program)
    )
}

/// A Worker's name: letters of ASCII in lower case, digits and dashes, at most 63.
fn worker_name(program: &str) -> String {
    let dashed = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = program.chars().map(dashed).take(63).collect();
    match name.trim_matches('-') {
        "" => "app".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_written_once_and_never_again() {
        let folder = std::env::temp_dir().join(format!("jstack wrangler {}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let next = write(&folder, "My_Chat").unwrap();
        assert!(next.contains("npx wrangler dev"), "{next}");
        let written = std::fs::read_to_string(folder.join(FILE)).unwrap();
        let json: String =
            written.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["name"], "my-chat");
        assert_eq!(json["durable_objects"]["bindings"][0]["class_name"], "JstackObject");
        std::fs::write(folder.join(FILE), "mine").unwrap();
        let error = write(&folder, "other").unwrap_err().to_string();
        assert!(error.contains("stays as it is"), "{error}");
        assert_eq!(std::fs::read_to_string(folder.join(FILE)).unwrap(), "mine");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_name_is_one_that_a_worker_can_have() {
        assert_eq!(worker_name("chat"), "chat");
        assert_eq!(worker_name("--"), "app");
        assert_eq!(worker_name(&"x".repeat(99)).len(), 63);
    }
}
