//! The lexical level: keys, comments, indentation.

use std::fmt::Write as _;

/// A property's name, quoted where it is not an identifier.
pub(super) fn key(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == '$');
    if first && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$') {
        name.to_owned()
    } else {
        string(name)
    }
}

/// A string literal.
pub(super) fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A doc comment with its line end; nothing for an empty text.
pub(super) fn doc(text: &str) -> String {
    let text = text.trim().replace("*/", "*\\/");
    if text.is_empty() {
        return String::new();
    }
    if !text.contains('\n') {
        return format!("/** {text} */\n");
    }
    let mut comment = "/**\n".to_owned();
    for line in text.lines() {
        let _ = writeln!(comment, "{}", format!(" * {line}").trim_end());
    }
    comment + " */\n"
}

/// With two more spaces before each line but the first.
pub(super) fn indent(text: &str) -> String {
    text.replace('\n', "\n  ").replace("\n  \n", "\n\n")
}

/// Puts `lines` between braces, each on lines of its own.
pub(super) fn block(lines: &[String]) -> String {
    let mut text = "{".to_owned();
    for line in lines {
        text += "\n  ";
        text += &indent(line);
    }
    text + "\n}"
}
