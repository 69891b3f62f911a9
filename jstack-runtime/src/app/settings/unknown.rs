//! Unknown variables with this crate's prefix: most likely a known one with a typo.

use super::environment::Environment;
use super::variables::{NON_LIMIT_VARIABLES, fields};
use crate::limits::Limits;
use crate::nearest::nearest;

/// Unknown variables with this crate's prefix, each as a sentence with the closest known name.
pub(super) fn unknown(environment: &Environment) -> Vec<String> {
    let mut limits = Limits::default();
    let known: Vec<String> = fields(&mut limits)
        .iter()
        .map(|(name, _)| format!("JSTACK_{name}"))
        .chain(NON_LIMIT_VARIABLES.iter().map(ToString::to_string))
        .collect();
    let names = environment.names().filter(|name| name.starts_with("JSTACK_"));
    names
        .filter(|name| !known.iter().any(|known| known == name))
        .map(|name| match nearest(name, known.iter().map(String::as_str)) {
            Some(known) => format!("the variable {name} means nothing here; {known} does"),
            None => format!(
                "the variable {name} means nothing here; docs/limits.md lists those that do"
            ),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_variables_are_reported_with_the_nearest_name() {
        let environment =
            Environment::of("JSTACK_ORIGIN=x\nJSTACK_TELEPORT_PLEASE=1\nOTHER=1\nJSTACK_NAME=x");
        let unknown = unknown(&environment);
        assert_eq!(unknown.len(), 2);
        assert!(unknown[0].contains("JSTACK_ORIGINS does"), "{unknown:?}");
        assert!(unknown[1].contains("docs/limits.md"), "{unknown:?}");
    }
}
