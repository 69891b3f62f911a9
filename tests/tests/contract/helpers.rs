//! What the attributes of the types name: values for fields, defaults, and forms in JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Result, Unstructured};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use uuid::Uuid;

/// NaN and the infinities have no JSON.
pub(super) fn finite(u: &mut Unstructured<'_>) -> Result<f64> {
    f64::arbitrary(u).map(|value| if value.is_finite() { value } else { 0.5 })
}

pub(super) fn finite_f32(u: &mut Unstructured<'_>) -> Result<f32> {
    f32::arbitrary(u).map(|value| if value.is_finite() { value } else { 0.5 })
}

pub(super) fn safe(u: &mut Unstructured<'_>) -> Result<u64> {
    u.int_in_range(0..=(1 << 53) - 1)
}

pub(super) fn count(u: &mut Unstructured<'_>) -> Result<u64> {
    u.int_in_range(0..=1_000_000)
}

pub(super) fn value(u: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match u.int_in_range(0..=5)? {
        0 => Value::Null,
        1 => bool::arbitrary(u)?.into(),
        2 => i32::arbitrary(u)?.into(),
        3 => String::arbitrary(u)?.into(),
        4 => Value::Array(vec![bool::arbitrary(u)?.into(), Value::Null]),
        _ => serde_json::json!({ "": u16::arbitrary(u)?, "b": [] }),
    })
}

pub(super) fn values(u: &mut Unstructured<'_>) -> Result<BTreeMap<String, Value>> {
    Ok(BTreeMap::from([(String::arbitrary(u)?, value(u)?)]))
}

/// Keys that no named field has.
pub(super) fn others<T: for<'a> Arbitrary<'a>>(
    u: &mut Unstructured<'_>,
) -> Result<BTreeMap<String, T>> {
    Ok(BTreeMap::<u8, T>::arbitrary(u)?
        .into_iter()
        .map(|(key, value)| (format!("k{key}"), value))
        .collect())
}

pub(super) fn time(u: &mut Unstructured<'_>) -> Result<DateTime<Utc>> {
    // Years of four digits: beyond them RFC 3339, which is what `date-time` means, ends.
    let seconds = u.int_in_range(-62_135_596_800..=253_402_300_799)?;
    Ok(DateTime::from_timestamp(seconds, 0).unwrap_or_default())
}

pub(super) fn date(u: &mut Unstructured<'_>) -> Result<NaiveDate> {
    time(u).map(|time| time.date_naive())
}

pub(super) fn cow(u: &mut Unstructured<'_>) -> Result<Cow<'static, str>> {
    String::arbitrary(u).map(Cow::Owned)
}

pub(super) fn uuid(u: &mut Unstructured<'_>) -> Result<Uuid> {
    u128::arbitrary(u).map(Uuid::from_u128)
}

pub(super) fn kind_tagged(schema: &mut schemars::Schema) {
    let tag = serde_json::json!({ "type": "string", "const": "Tagged" });
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("kind".to_owned(), tag);
    }
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.push("kind".into());
    }
}

pub(super) fn seven() -> u32 {
    7
}

pub(super) mod as_string {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

pub(super) mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        value: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u128(value.as_millis())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u32::deserialize(deserializer).map(|millis| Duration::from_millis(millis.into()))
    }
}
