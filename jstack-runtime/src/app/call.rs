//! The command `call`: a GET or POST procedure of a running server.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::net::TcpStream;

use super::cli::{Call, CommandError};
use super::settings::{Address, Environment};
use crate::contract::{Contract, ProcedureContract};
use crate::http::superjson::IS_SUPERJSON;
use crate::nearest::nearest;
use crate::procedure::Kind;
use crate::untrusted::Untrusted;

type Result<T> = std::result::Result<T, CommandError>;

/// Calls a procedure and returns the line to print.
///
/// Fails if the procedure or its input does not fit, if the server does not answer, and if the answer
/// is an error.
pub(super) async fn call(
    contract: &Contract,
    call: &Call,
    environment: &Environment,
) -> Result<String> {
    let procedure = find(contract, &call.procedure)?;
    let address =
        Address::choose(call.address.as_deref(), environment).map_err(CommandError::new)?;
    let address = reachable(&address.text);
    let path = format!("{}/{}", contract.base_path(), procedure.path);
    let request = request(procedure, &path, &address, call.input.as_deref())?;
    let failed = |error: &dyn std::fmt::Display| {
        CommandError::new(format!("no answer from http://{address}{path}: {error}"))
    };
    let stream = TcpStream::connect(&address).await.map_err(|error| failed(&error))?;
    let connected = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connected.map_err(|error| failed(&error))?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        Ok::<_, hyper::Error>((head, body.collect().await?.to_bytes()))
    };
    let mut answer = std::pin::pin!(answer);
    let answered = tokio::select! {
        answered = &mut answer => answered,
        // The connection may end while the answer arrives.
        _ = connection => answer.await,
    };
    let (head, body) = answered.map_err(|error| {
        failed(&format_args!("{error}; is it this application, and without TLS?"))
    })?;
    let text = String::from_utf8_lossy(&body);
    if !head.status.is_success() {
        return Err(CommandError::new(format!("{}: {text}", head.status)));
    }
    let text = if head.headers.contains_key(IS_SUPERJSON) { plain(&text) } else { &text };
    Ok(format!("{}\n", text.trim_end_matches('\n')))
}

fn find<'a>(contract: &'a Contract, path: &str) -> Result<&'a ProcedureContract> {
    let base = contract.base_path().trim_matches('/');
    let path = path.trim_matches('/');
    let below = path.strip_prefix(base).and_then(|path| path.strip_prefix('/')).unwrap_or(path);
    let callable = || contract.procedures().iter().filter(|procedure| procedure.kind != Kind::Ws);
    match contract.procedures().iter().find(|procedure| procedure.path == below) {
        Some(ProcedureContract { kind: Kind::Ws, .. }) => Err(CommandError::new(format!(
            "`{below}` is a WebSocket procedure, and `call` is for GET and POST: use `emit` or `listen`"
        ))),
        Some(procedure) => Ok(procedure),
        None => {
            let near = nearest(below, callable().map(|procedure| procedure.path.as_str()));
            let near = near.map(|near| format!("did you mean `{near}`?"));
            Err(CommandError::new(format!(
                "no procedure is called `{}`: {}",
                Untrusted(below),
                near.unwrap_or_else(|| "the command `routes` lists them".to_owned())
            )))
        }
    }
}

/// The address to connect to for an address to listen on.
fn reachable(address: &str) -> String {
    match address.rsplit_once(':') {
        Some(("0.0.0.0", port)) => format!("127.0.0.1:{port}"),
        Some(("[::]", port)) => format!("[::1]:{port}"),
        _ => address.to_owned(),
    }
}

fn request(
    procedure: &ProcedureContract,
    path: &str,
    address: &str,
    input: Option<&str>,
) -> Result<Request<Full<Bytes>>> {
    let name = &procedure.path;
    let input = input.map(|text| json(name, text)).transpose()?.filter(|json| *json != "null");
    if input.is_some() && procedure.input.is_none() {
        return Err(CommandError::new(format!("`{name}` takes no input")));
    }
    let is_get = procedure.kind == Kind::Get;
    let query = match input {
        Some(json) if is_get => query(name, json)?,
        _ => String::new(),
    };
    let mut request = Request::builder()
        .method(if is_get { Method::GET } else { Method::POST })
        .uri(format!("{path}{query}"))
        .header(header::HOST, address)
        .header(header::CONNECTION, "close");
    let mut body = Bytes::new();
    if let Some(json) = input.filter(|_| !is_get) {
        request = request.header(header::CONTENT_TYPE, "application/json");
        body = sent(json).into();
    }
    request
        .body(Full::new(body))
        .map_err(|error| CommandError::new(format!("`{path}` at `{address}`: {error}")))
}

/// The text as one JSON value.
fn json<'a>(name: &str, text: &'a str) -> Result<&'a str> {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => Ok(text.trim()),
        Err(error) => Err(CommandError::new(format!("the input of `{name}` is not JSON: {error}"))),
    }
}

/// The fields of an input, if it is an object.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// A value as superjson, unless it is superjson already, with its `meta`.
fn superjson(json: &str) -> String {
    match serde_json::from_str::<Fields<'_>>(json) {
        Ok(outer)
            if outer.len() == 2 && outer.contains_key("json") && outer.contains_key("meta") =>
        {
            json.to_owned()
        }
        _ => format!("{{\"json\":{json}}}"),
    }
}

/// The body of a POST: of an object, each field is a text of superjson.
fn sent(json: &str) -> String {
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(json) else { return json.to_owned() };
    let texts = fields.iter().map(|(key, value)| (key.as_str(), superjson(value.get()).into()));
    Value::Object(texts.map(|(key, text): (&str, Value)| (key.to_owned(), text)).collect())
        .to_string()
}

/// The fields of an input as a query.
fn query(name: &str, json: &str) -> Result<String> {
    let fields: Fields<'_> = serde_json::from_str(json).map_err(|_| {
        CommandError::new(format!(
            "`{name}` is a GET procedure, whose input is an object: write it as `{{\"field\": value}}`"
        ))
    })?;
    let mut query = String::new();
    for (key, value) in fields {
        let separator = if query.is_empty() { '?' } else { '&' };
        let (key, value) = (encoded(&key), encoded(&superjson(value.get())));
        // Writing to a string cannot fail.
        let _ = write!(query, "{separator}{key}={value}");
    }
    Ok(query)
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// The value in superjson, or the text as it is.
fn plain(text: &str) -> &str {
    #[derive(Deserialize)]
    struct Outer<'a> {
        #[serde(borrow)]
        json: &'a RawValue,
    }
    serde_json::from_str::<Outer<'_>>(text).map_or(text, |outer| outer.json.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_of_a_get_is_superjson_in_the_query_and_keeps_its_digits() {
        let query = query("a/b", r#"{"n": 18446744073709551615, "t": "a&b ü"}"#).unwrap();
        assert_eq!(
            query,
            "?n=%7B%22json%22%3A18446744073709551615%7D&t=%7B%22json%22%3A%22a%26b%20%C3%BC%22%7D"
        );
        assert!(super::query("a/b", "[1]").is_err());
    }

    #[test]
    fn superjson_is_sent_as_it_is_and_read_as_its_value() {
        assert_eq!(superjson("[1]"), r#"{"json":[1]}"#);
        assert_eq!(superjson(r#"{"json":1}"#), r#"{"json":{"json":1}}"#);
        assert_eq!(sent(r#"{"a":21}"#), r#"{"a":"{\"json\":21}"}"#);
        assert_eq!(sent("[1]"), "[1]");
        let marked = r#"{"json":"1","meta":{"values":["bigint"]}}"#;
        assert_eq!(superjson(marked), marked);
        assert_eq!(plain(r#"{"json":null,"meta":{"values":["undefined"]}}"#), "null");
        assert_eq!(plain("text"), "text");
    }

    #[test]
    fn an_address_for_all_networks_is_called_on_this_machine() {
        assert_eq!(reachable("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(reachable("[::]:80"), "[::1]:80");
        assert_eq!(reachable("example.com:80"), "example.com:80");
    }
}
