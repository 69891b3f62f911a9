//! The values of a script: its steps, its variables, and what is compared.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::sleep;

pub type Outcome<T = ()> = std::result::Result<T, String>;

/// The first key of a step, and its value.
pub fn first(step: &Value) -> (String, Value) {
    const VERBS: [&str; 16] = [
        "dial", "open", "refuse", "up", "down", "raw", "hangup", "cut", "closed", "wait", "call",
        "result", "event", "gap", "report", "token",
    ];
    let more = ["status", "room", "app", "presence"];
    // Maps are sorted: `room` is also a key of gaps, but never beside another verb.
    let verb = VERBS.into_iter().chain(more).find(|verb| step.get(verb).is_some());
    let verb = verb.unwrap_or("nothing");
    (verb.to_owned(), step[verb].clone())
}

/// The variables of a script, by their names with the brackets.
#[derive(Default)]
pub struct Variables(pub BTreeMap<String, Value>);

impl Variables {
    /// Those to which the script gives values.
    pub fn of(script: &Value) -> Self {
        let given = script["let"].as_object().into_iter().flatten();
        Self(given.map(|(name, value)| (format!("<{name}>"), value.clone())).collect())
    }

    /// With the variables' values.
    pub fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if is_variable(text) => {
                self.0.get(text).unwrap_or_else(|| panic!("{text} has no value")).clone()
            }
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), self.fill(value))).collect()
            }
            other => other.clone(),
        }
    }

    /// Equal, but that a variable without a value takes what is there.
    pub fn matches(&mut self, actual: &Value, wanted: &Value) -> Outcome {
        self.bind(actual, wanted);
        same(actual, &self.fill(wanted))
    }

    pub fn bind(&mut self, actual: &Value, wanted: &Value) {
        match wanted {
            Value::String(text) if is_variable(text) => {
                self.0.entry(text.clone()).or_insert_with(|| actual.clone());
            }
            Value::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    self.bind(&actual[n], item);
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.bind(&actual[name], value);
                }
            }
            _ => {}
        }
    }
}

fn is_variable(text: &str) -> bool {
    let name = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
    name.is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

pub fn same(actual: &Value, wanted: &Value) -> Outcome {
    if actual == wanted { Ok(()) } else { Err(format!("{actual} is not {wanted}")) }
}

/// Every key of `wanted`, in depth.
pub fn includes(actual: &Value, wanted: &Value) -> Outcome {
    match wanted {
        Value::Object(fields) => {
            fields.iter().try_for_each(|(name, value)| includes(&actual[name], value))
        }
        Value::Null if actual.is_null() => Ok(()),
        wanted => same(actual, wanted),
    }
}

pub async fn soon(mut look: impl FnMut() -> Outcome) -> Outcome {
    let end = Instant::now() + Duration::from_millis(1500);
    loop {
        match look() {
            Ok(()) => return Ok(()),
            Err(why) if Instant::now() > end => return Err(why),
            Err(_) => sleep(Duration::from_millis(3)).await,
        }
    }
}
