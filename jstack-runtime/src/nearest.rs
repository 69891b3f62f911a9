//! The name that somebody most likely meant.

/// Longer names are not looked at: the cost grows with the product of the lengths, and a stranger may
/// choose one of them.
const LONGEST: usize = 100;

/// The most letters that a typo changes, adds or removes.
const TYPO: usize = 4;

/// The known name that is nearest to `name`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    // Of a short name, a few changed letters make any other.
    let most = TYPO.min(name.len().div_ceil(2));
    known
        .into_iter()
        .map(|known| (distance(known, name), known))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= most)
        .map(|(_, known)| known)
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
    fn a_typo_finds_its_name_and_another_word_none() {
        let known = ["post/chat", "post/recent", "say"];
        assert_eq!(nearest("post/chatt", known), Some("post/chat"));
        assert_eq!(nearest("pots/chat", known), Some("post/chat"));
        assert_eq!(nearest("sya", known), Some("say"));
        assert_eq!(nearest("x", known), None);
        assert_eq!(nearest("something/else", known), None);
        assert_eq!(nearest(&"say".repeat(1000), known), None);
        assert_eq!(nearest("say", []), None);
    }
}
