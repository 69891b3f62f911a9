//! `Reader`: a `serde::Deserializer` for the JSON that nearly all clients send.
//!
//! It reads what it knows as `serde_json` reads it, in fewer instructions, and gives up on everything else:
//! then `serde_json` reads the text from its start, decides, and says what is wrong. So nothing is accepted
//! here that `serde_json` refuses, and no error is written here. What is rare within a text (escapes,
//! fractions, ignored values) is left to `serde_json` piece by piece.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny,
    IntoDeserializer as _, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::text;

/// Reads a value; `None` means that `serde_json` must read it.
pub(crate) fn read<'de, T: Deserialize<'de>>(json: &'de str) -> Option<T> {
    let mut reader = Reader { json, at: 0, depth: 0 };
    let value = T::deserialize(&mut reader).ok()?;
    (reader.peek().is_none() && reader.at == json.len()).then_some(value)
}

/// Levels of brackets; `serde_json` refuses more than 127.
const DEEPEST: u8 = 120;

/// The reader gave up, for whatever reason: nobody is told.
#[derive(Debug)]
struct GaveUp;

type Result<T> = std::result::Result<T, GaveUp>;

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("left to serde_json")
    }
}

impl std::error::Error for GaveUp {}

impl Error for GaveUp {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

struct Reader<'de> {
    json: &'de str,
    at: usize,
    depth: u8,
}

impl<'de> Reader<'de> {
    /// The next byte that is not a space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        match self.json.as_bytes().get(self.at) {
            Some(..=b' ') => self.peek_behind_spaces(),
            byte => byte.copied(),
        }
    }

    #[cold]
    fn peek_behind_spaces(&mut self) -> Option<u8> {
        loop {
            match self.json.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    /// Steps over `byte`, which must be next.
    #[inline]
    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.peek() != Some(byte) {
            return Err(GaveUp);
        }
        self.at += 1;
        Ok(())
    }

    fn literal(&mut self, literal: &str) -> Result<()> {
        let rest = self.json.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(literal.as_bytes()) {
            return Err(GaveUp);
        }
        self.at += literal.len();
        Ok(())
    }

    /// Reads a text without escapes; `None`, and nothing is read, if the next value is not one.
    #[inline]
    fn plain_text(&mut self) -> Option<&'de str> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let rest = self.json.get(self.at + 1..)?;
        let end = text::plain_prefix(rest.as_bytes());
        if rest.as_bytes().get(end) != Some(&b'"') {
            return None;
        }
        self.at += end + 2;
        rest.get(..end)
    }

    /// Reads a text.
    #[inline]
    fn text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.plain_text() {
            Some(text) => visitor.visit_borrowed_str(text),
            None => visitor.visit_str(&self.escaped_text()?),
        }
    }

    #[cold]
    fn escaped_text(&mut self) -> Result<String> {
        self.by_serde_json()
    }

    /// Lets `serde_json` read the next value.
    #[cold]
    fn by_serde_json<T: Deserialize<'de>>(&mut self) -> Result<T> {
        let rest = self.json.get(self.at..).ok_or(GaveUp)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter();
        let value = values.next().and_then(std::result::Result::ok).ok_or(GaveUp)?;
        self.at += values.byte_offset();
        Ok(value)
    }

    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let Some(b'-' | b'0'..=b'9') = self.peek() else { return Err(GaveUp) };
        let rest = &self.json.as_bytes()[self.at..];
        let negative = usize::from(rest[0] == b'-');
        let digits = rest[negative..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let end = negative + digits;
        let is_plain = (1..=18).contains(&digits)
            && !matches!(rest.get(end), Some(b'.' | b'e' | b'E'))
            && (rest[negative] != b'0' || end == 1);
        if !is_plain {
            let number: serde_json::Number = self.by_serde_json()?;
            return number.deserialize_any(visitor).map_err(|_| GaveUp);
        }
        self.at += end;
        let value = rest[negative..end].iter().fold(0, |n, digit| n * 10 + u64::from(digit - b'0'));
        if negative == 0 {
            return visitor.visit_u64(value);
        }
        // Eighteen digits fit.
        visitor.visit_i64(-value.cast_signed())
    }

    /// Reads a variant that has nothing but its name.
    fn variant<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.plain_text() {
            Some(name) => visitor.visit_enum(name.into_deserializer()),
            None => visitor.visit_enum(self.escaped_text()?.into_deserializer()),
        }
    }

    /// Reads what is between two brackets.
    #[inline]
    fn inside<T>(
        &mut self,
        close: u8,
        read: impl FnOnce(Parts<'_, 'de>) -> Result<T>,
    ) -> Result<T> {
        if self.depth >= DEEPEST {
            return Err(GaveUp);
        }
        self.at += 1;
        self.depth += 1;
        let value = read(Parts { reader: self, first: true, close })?;
        self.depth -= 1;
        self.expect(close)?;
        Ok(value)
    }

    #[inline]
    fn list<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.peek() {
            Some(b'[') => self.inside(b']', |parts| visitor.visit_seq(parts)),
            _ => Err(GaveUp),
        }
    }

    #[inline]
    fn object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.peek() {
            Some(b'{') => self.inside(b'}', |parts| visitor.visit_map(parts)),
            _ => Err(GaveUp),
        }
    }
}

macro_rules! read_as {
    ($how:ident: $($name:ident)*) => { $(
        #[inline]
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.$how(visitor)
        }
    )* };
}

macro_rules! given_up {
    ($($name:ident)*) => { $(
        fn $name<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
            Err(GaveUp)
        }
    )* };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = GaveUp;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.peek() {
            Some(b'"') => self.deserialize_str(visitor),
            Some(b'{') => self.object(visitor),
            Some(b'[') => self.list(visitor),
            Some(b't' | b'f') => self.deserialize_bool(visitor),
            Some(b'n') => self.deserialize_unit(visitor),
            _ => self.number(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.peek() == Some(b't') {
            self.literal("true")?;
            return visitor.visit_bool(true);
        }
        self.literal("false")?;
        visitor.visit_bool(false)
    }

    read_as! { number:
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f64
    }

    // `serde_json` has rules of its own for them.
    given_up! { deserialize_f32 deserialize_i128 deserialize_u128 deserialize_bytes deserialize_byte_buf }

    read_as! { deserialize_str: deserialize_char deserialize_string deserialize_identifier }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.text(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.peek() == Some(b'n') {
            self.literal("null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.peek();
        self.literal("null")?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        // A type of `serde_json` that only `serde_json` can make.
        if name.starts_with('$') {
            return Err(GaveUp);
        }
        visitor.visit_newtype_struct(self)
    }

    read_as! { list: deserialize_seq }
    read_as! { object: deserialize_map }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.list(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.list(visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        // A list of the fields is left to `serde_json`: with it, each type would be compiled twice.
        if name.starts_with('$') { Err(GaveUp) } else { self.object(visitor) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.peek() {
            Some(b'{') => self.inside(b'}', |parts| visitor.visit_enum(parts)),
            Some(b'"') => self.variant(visitor),
            _ => Err(GaveUp),
        }
    }

    #[cold]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.by_serde_json::<IgnoredAny>()?;
        visitor.visit_unit()
    }
}

/// What is between two brackets.
struct Parts<'a, 'de> {
    reader: &'a mut Reader<'de>,
    first: bool,
    close: u8,
}

impl Parts<'_, '_> {
    /// Goes to the next part; `false` if there is none.
    #[inline]
    fn next(&mut self) -> Result<bool> {
        let byte = self.reader.peek();
        if byte == Some(self.close) {
            return Ok(false);
        }
        if std::mem::take(&mut self.first) {
            return Ok(true);
        }
        if byte != Some(b',') {
            return Err(GaveUp);
        }
        self.reader.at += 1;
        if self.reader.peek() == Some(self.close) { Err(GaveUp) } else { Ok(true) }
    }
}

impl<'de> SeqAccess<'de> for Parts<'_, 'de> {
    type Error = GaveUp;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.next()? { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for Parts<'_, 'de> {
    type Error = GaveUp;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if self.next()? { seed.deserialize(Key(&mut *self.reader)).map(Some) } else { Ok(None) }
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> EnumAccess<'de> for Parts<'_, 'de> {
    type Error = GaveUp;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        let name = seed.deserialize(Key(&mut *self.reader))?;
        self.reader.expect(b':')?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Parts<'_, 'de> {
    type Error = GaveUp;

    fn unit_variant(self) -> Result<()> {
        Deserialize::deserialize(self.reader)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.reader.list(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.reader.object(visitor)
    }
}

/// The key of an object: a text. Keys of other types are left to `serde_json`.
struct Key<'a, 'de>(&'a mut Reader<'de>);

impl<'de> Deserializer<'de> for Key<'_, 'de> {
    type Error = GaveUp;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.text(visitor)
    }

    read_as! { deserialize_any: deserialize_str deserialize_string deserialize_identifier }

    given_up! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_bytes deserialize_byte_buf deserialize_unit
        deserialize_option deserialize_seq deserialize_map deserialize_ignored_any
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, _: V) -> Result<V::Value> {
        Err(GaveUp)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value> {
        Err(GaveUp)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        _: V,
    ) -> Result<V::Value> {
        Err(GaveUp)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value> {
        Err(GaveUp)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.0.variant(visitor)
    }
}
