//! Reads `.env` and `.dev.vars`. Lines for other programs are ignored.
//!
//! A file is UTF-8 or UTF-16. A line is `NAME=value`, with `export` before it or not. A value may be
//! in quotes and then go over several lines; in double quotes, `\n`, `\r`, `\t`, `\"`, `\\` and `\$`
//! are escapes. A line that cannot be read is an error if its variable is one of this crate, and else
//! a warning. Neither shows the line, which may contain a secret.

/// One assignment of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) value: String,
}

/// The content of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) assignments: Vec<Assignment>,
    /// The numbers of unreadable lines of other programs.
    pub(super) skipped: Vec<usize>,
    /// The numbers of unreadable lines of this crate.
    pub(super) wrong: Vec<usize>,
}

/// Whether a variable is one that this crate reads.
pub(super) fn is_ours(name: &str) -> bool {
    name.starts_with("JSTACK_") || name.starts_with("UPSTASH_REDIS_") || name == "REDIS_URL"
}

/// The text of a file: UTF-8, or UTF-16 with a byte order mark. Other bytes become U+FFFD.
pub(super) fn decode(bytes: &[u8]) -> String {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks(2).map(|two| match two {
            [first, second] => unit([*first, *second]),
            _ => 0xfffd,
        });
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Reads the assignments of a file's text.
pub(super) fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let (mut rest, mut number) = (text, 1);
    while !rest.is_empty() {
        let length = match assignment(rest) {
            Line::Nothing => line_length(rest),
            Line::Assignment(assignment, length) => {
                parsed.assignments.push(assignment);
                length
            }
            Line::Unreadable => {
                let list = if looks_ours(rest) { &mut parsed.wrong } else { &mut parsed.skipped };
                list.push(number);
                line_length(rest)
            }
        };
        number += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    parsed
}

/// The kind of the first line of a text.
enum Line {
    /// Empty, or a comment.
    Nothing,
    /// An assignment, and its length with all its lines.
    Assignment(Assignment, usize),
    Unreadable,
}

/// The length of the first line, its end included.
fn line_length(text: &str) -> usize {
    text.find('\n').map_or(text.len(), |end| end + 1)
}

/// The first line without `export`, and where it starts.
fn statement(text: &str) -> (usize, &str) {
    let line = &text[..line_length(text)];
    let begin = line.trim_start();
    let body = match begin.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => begin,
    };
    (line.len() - body.len(), body.trim_end())
}

/// Whether an unreadable line was meant to set a variable of this crate.
fn looks_ours(text: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (_, body) = statement(text);
    is_ours(&body[..body.find(|c| !is_name(c)).unwrap_or(body.len())])
}

fn assignment(text: &str) -> Line {
    let (start, body) = statement(text);
    if body.is_empty() || body.starts_with('#') {
        return Line::Nothing;
    }
    let Some((name, value)) = body.split_once('=') else { return Line::Unreadable };
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let name = name.trim_end();
    if name.is_empty() || !name.chars().all(is_name) {
        return Line::Unreadable;
    }
    let value_at = start + body.len() - value.trim_start().len();
    let Some((value, length)) = value_of(&text[value_at..]) else { return Line::Unreadable };
    if is_ours(name) && value.contains(char::REPLACEMENT_CHARACTER) {
        return Line::Unreadable;
    }
    Line::Assignment(Assignment { name: name.to_owned(), value }, value_at + length)
}

/// A value without its quotes and the comment after it, and its length up to the end of its last
/// line. `None` for a quote that does not end, or is followed by something else.
fn value_of(text: &str) -> Option<(String, usize)> {
    let first = &text[..line_length(text)];
    let Some(quote) = first.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) else {
        let value = first.split(" #").next().unwrap_or_default();
        let value = if first.starts_with('#') { "" } else { value };
        return Some((value.trim().to_owned(), first.len()));
    };
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quote == '"' => match chars.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                c @ ('"' | '\\' | '$') => value.push(c),
                other => value.extend(['\\', other]),
            },
            c if c == quote => {
                let behind = &text[at + 1..];
                let length = line_length(behind);
                let comment = behind[..length].trim();
                let whole = comment.is_empty() || comment.starts_with('#');
                return whole.then_some((value, at + 1 + length));
            }
            // The end of a line on Windows.
            '\r' if text[at + 1..].starts_with('\n') => {}
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        let parsed = parse(text);
        assert_eq!((&parsed.skipped[..], &parsed.wrong[..]), (&[][..], &[][..]), "{text}");
        parsed.assignments.into_iter().map(|a| (a.name, a.value)).collect()
    }

    fn value(text: &str) -> String {
        values(text).pop().expect("an assignment").1
    }

    #[test]
    fn files_are_read_as_other_programs_write_them() {
        for (text, expected) in [
            ("A=1", "1"),
            ("A=1\r\n", "1"),
            ("export B = two words # behind", "two words"),
            ("export\tB=1", "1"),
            ("C=\"x # y\" # z", "x # y"),
            ("D='q'", "q"),
            ("D=`q \"x\"`", "q \"x\""),
            ("E=", ""),
            ("E= # nothing", ""),
            ("F=a=b#c", "a=b#c"),
            ("G=\"say \\\"hi\\\"\"", "say \"hi\""),
            ("H=\"a\\nb\\\\n\\$x\\d\"", "a\nb\\n$x\\d"),
            ("I='a\\nb'", "a\\nb"),
            ("J=\"-----BEGIN-----\nabc\n-----END-----\"\n", "-----BEGIN-----\nabc\n-----END-----"),
            ("J=\"a\r\nb\"\r\n", "a\nb"),
            ("J='a\nb' # two lines", "a\nb"),
            ("MY-VAR=1", "1"),
            ("spring.x=1", "1"),
            ("K=ü", "ü"),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
        assert!(values("# a comment\n\n   \n\t# another").is_empty());
        let all = values("A=\"1\n2\"\nB=3\n");
        assert_eq!(all, [("A".into(), "1\n2".into()), ("B".into(), "3".into())]);
    }

    #[test]
    fn files_of_other_encodings_are_read() {
        let wide = |unit: fn(u16) -> [u8; 2]| {
            "\u{feff}JSTACK_NAME=ü\r\n".encode_utf16().flat_map(unit).collect::<Vec<u8>>()
        };
        for bytes in [
            "\u{feff}JSTACK_NAME=ü\r\n".as_bytes().to_vec(),
            "JSTACK_NAME=ü".as_bytes().to_vec(),
            wide(u16::to_le_bytes),
            wide(u16::to_be_bytes),
        ] {
            assert_eq!(values(&decode(&bytes)), [("JSTACK_NAME".into(), "ü".into())]);
        }
        assert_eq!(decode(b"\xff\xfeA\0=\0x"), "A=\u{fffd}");
    }

    #[test]
    fn a_line_of_another_program_is_skipped_and_one_of_ours_is_not() {
        let skipped = |text: &str| (parse(text).skipped, parse(text).wrong);
        for line in ["hunter2", "=x", "A B=1", "key: value", "A=\"open", "A=\"x\" y", "[section]"] {
            let text = format!("A=1\n{line}\nJSTACK_RATE=5\n");
            assert_eq!(skipped(&text), (vec![2], vec![]), "{line}");
            assert_eq!(parse(&text).assignments.len(), 2, "{line}");
        }
        for line in [
            "JSTACK_RATE",
            "export JSTACK_RATE 5",
            "JSTACK_RATE: 5",
            "REDIS_URL=\"redis://",
            "UPSTASH_REDIS_REST_TOKEN='x' y",
        ] {
            assert_eq!(skipped(&format!("A=\"1\n2\"\n{line}\n")), (vec![], vec![3]), "{line}");
        }
        let latin = decode(b"OTHER=caf\xe9\nJSTACK_NAME=caf\xe9\n");
        assert_eq!(skipped(&latin), (vec![], vec![2]));
    }
}
