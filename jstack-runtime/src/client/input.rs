//! Inputs of `get` and `post` procedures, as they travel.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// The fields of an input, each as superjson. An input without fields is not sent.
fn fields<T: Serialize>(input: &T) -> Result<Map<String, Value>> {
    match serde_json::to_value(input) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => {
            Err(Error::bad_request("an input is a struct or a map: it travels field by field"))
        }
        Err(error) => Err(Error::bad_request(format!("the input is not JSON: {error}"))),
    }
}

fn superjson(value: &Value) -> String {
    format!("{{\"json\":{value}}}")
}

/// The query of a GET, with its `?`; empty without an input.
pub(super) fn query<T: Serialize>(input: &T) -> Result<String> {
    let mut query = String::new();
    for (name, value) in fields(input)? {
        query.push(if query.is_empty() { '?' } else { '&' });
        encode(&name, &mut query);
        query.push('=');
        encode(&superjson(&value), &mut query);
    }
    Ok(query)
}

/// The query of a socket's params: plain values, as `Query` extractors read them.
pub(super) fn params<T: Serialize>(params: &T) -> Result<String> {
    let mut query = String::new();
    for (name, value) in fields(params)? {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                let why =
                    format!("the param `{name}` is a list or an object: params are plain values");
                return Err(Error::bad_request(why));
            }
        };
        query.push(if query.is_empty() { '?' } else { '&' });
        encode(&name, &mut query);
        query.push('=');
        encode(&text, &mut query);
    }
    Ok(query)
}

/// The body of a POST; `None` without an input.
pub(super) fn body<T: Serialize>(input: &T) -> Result<Option<Vec<u8>>> {
    let fields = fields(input)?;
    if fields.is_empty() {
        return Ok(None);
    }
    let texts: Map<_, _> =
        fields.into_iter().map(|(name, value)| (name, Value::String(superjson(&value)))).collect();
    serde_json::to_vec(&texts).map(Some).map_err(Error::internal)
}

/// Percent-encodes everything but what is unreserved.
fn encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_query_has_one_superjson_text_a_field() {
        assert_eq!(query(&json!({"limit": 5})).unwrap(), "?limit=%7B%22json%22%3A5%7D");
        assert_eq!(
            query(&json!({"a": "ü&", "b": null})).unwrap(),
            "?a=%7B%22json%22%3A%22%C3%BC%26%22%7D&b=%7B%22json%22%3Anull%7D"
        );
        assert_eq!(query(&()).unwrap(), "");
        assert_eq!(query(&json!(5)).unwrap_err().status(), 400);
    }

    #[test]
    fn a_body_has_one_superjson_text_a_field() {
        let body = body(&json!({"title": "t"})).unwrap().unwrap();
        assert_eq!(String::from_utf8(body).unwrap(), r#"{"title":"{\"json\":\"t\"}"}"#);
    }

    #[test]
    fn params_are_plain_and_those_that_are_null_are_left_out() {
        let given = json!({"room": "a b", "limit": 5, "deep": true, "none": null});
        assert_eq!(params(&given).unwrap(), "?deep=true&limit=5&room=a%20b");
        assert_eq!(params(&json!({"a": []})).unwrap_err().status(), 400);
    }
}
