//! Unknown variables with this crate's prefix: most likely a known one with a typo.

use super::environment::Environment;
use super::variables::{NON_LIMIT_VARIABLES, fields};
use crate::limits::Limits;

/// Variables that begin like ours and are not, each as a sentence with the name it may mean.
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
        .map(|name| {
            let nearest = known.iter().min_by_key(|known| distance(known, name));
            match nearest.filter(|known| distance(known, name) <= 4) {
                Some(known) => format!("the variable {name} means nothing here; {known} does"),
                None => format!(
                    "the variable {name} means nothing here; docs/limits.md lists those that do"
                ),
            }
        })
        .collect()
}

/// How many letters have to be changed, added or removed.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
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
