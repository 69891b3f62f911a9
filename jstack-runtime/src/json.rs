//! Writes JSON: what `serde_json` writes, with less work for texts and the names of fields.
//!
//! Nearly all texts need no escape. Whether one does is seen sixteen bytes at a time here; what
//! does, and whatever is not a text, a list or a struct, is left to `serde_json`.

use std::fmt::Display;

use serde::ser::{self, Serialize, Serializer as _};
use serde_json::{Error, Result};

/// Appends `value` to `out`.
pub(crate) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<()> {
    value.serialize(Writer { out })
}

/// Appends a text with its quotes.
#[inline]
pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) -> Result<()> {
    if is_plain(text.as_bytes()) {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        Ok(())
    } else {
        serde_json::to_writer(out, text)
    }
}

/// Whether a text travels as it is.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    // Without an early end inside, so that it becomes a few vector instructions.
    let plain = |bytes: &[u8; 16]| {
        !bytes.iter().fold(false, |bad, b| bad | (*b < b' ') | (*b == b'"') | (*b == b'\\'))
    };
    let Some(last) = text.last_chunk::<16>() else {
        return is_plain_and_short(text);
    };
    // The last chunk overlaps the one before it: no byte is looked at alone.
    text.as_chunks::<16>().0.iter().all(plain) && plain(last)
}

/// The same for less than sixteen bytes: names, mostly.
#[inline]
fn is_plain_and_short(text: &[u8]) -> bool {
    let word = match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            return is_plain_word(u64::from_le_bytes(*first))
                && is_plain_word(u64::from_le_bytes(*last));
        }
        _ => match (text.first_chunk::<4>(), text.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
            }
            _ => return text.iter().all(|b| !matches!(b, 0..b' ' | b'"' | b'\\')),
        },
    };
    is_plain_word(word)
}

/// Whether none of eight bytes is a control character, a quote or a backslash.
#[inline]
fn is_plain_word(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // The high bit of a byte that is less than `n`, or of one after it: of any, in short.
    let less_than = |word: u64, n: u8| word.wrapping_sub(ONES * u64::from(n)) & !word;
    let same_as = |byte: u8| less_than(word ^ (ONES * u64::from(byte)), 1);
    (less_than(word, b' ') | same_as(b'"') | same_as(b'\\')) & (ONES << 7) == 0
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    fn by_serde_json<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        serde_json::to_writer(self.out, value)
    }

    fn begin(self, open: u8, close: u8) -> Compound<'a> {
        Compound { out: self.out, open, between: open, close }
    }

    /// `{"variant":`, to be closed after the value.
    fn begin_variant(&mut self, variant: &str) -> Result<()> {
        self.out.push(b'{');
        write_text(variant, self.out)?;
        self.out.push(b':');
        Ok(())
    }
}

macro_rules! left_to_serde_json {
    ($($method:ident $type:ty)*) => { $(
        #[inline]
        fn $method(self, value: $type) -> Result<()> {
            self.by_serde_json(&value)
        }
    )* };
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Variant<'a>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Struct<'a>;
    type SerializeStructVariant = Variant<'a>;

    left_to_serde_json! {
        serialize_bool bool serialize_char char
        serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64 serialize_i128 i128
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64 serialize_u128 u128
        serialize_f32 f32 serialize_f64 f64
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        write_text(value, self.out)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        serde_json::Serializer::new(self.out).serialize_bytes(value)
    }

    fn serialize_none(self) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<()> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.begin_variant(variant)?;
        value.serialize(Writer { out: &mut *self.out })?;
        self.out.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a>> {
        Ok(self.begin(b'[', b']'))
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'a>> {
        Ok(self.begin(b'[', b']'))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>> {
        Ok(self.begin(b'[', b']'))
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Variant<'a>> {
        self.begin_variant(variant)?;
        Ok(Variant { inner: self.begin(b'[', b']') })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a>> {
        Ok(self.begin(b'{', b'}'))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Struct<'a>> {
        // `RawValue` and numbers of any precision: JSON already.
        let own = name.starts_with("$serde_json::private::").then_some(name);
        Ok(Struct { own, inner: self.begin(b'{', b'}') })
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Variant<'a>> {
        self.begin_variant(variant)?;
        Ok(Variant { inner: self.begin(b'{', b'}') })
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<()> {
        serde_json::Serializer::new(self.out).collect_str(value)
    }
}

/// A list or an object that is being written.
struct Compound<'a> {
    out: &'a mut Vec<u8>,
    open: u8,
    /// What comes before the next element: the bracket, or a comma.
    between: u8,
    close: u8,
}

impl Compound<'_> {
    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.out.push(self.between);
        self.between = b',';
        value.serialize(Writer { out: &mut *self.out })
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<()> {
        self.out.push(self.between);
        self.between = b',';
        write_text(key, self.out)?;
        self.out.push(b':');
        value.serialize(Writer { out: &mut *self.out })
    }

    #[inline]
    fn finish(self) {
        if self.between == self.open {
            self.out.push(self.open);
        }
        self.out.push(self.close);
    }
}

macro_rules! lists {
    ($($kind:ident $method:ident)*) => { $(
        impl ser::$kind for Compound<'_> {
            type Ok = ();
            type Error = Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.element(value)
            }

            #[inline]
            fn end(self) -> Result<()> {
                self.finish();
                Ok(())
            }
        }
    )* };
}

lists! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
}

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        // What may be a key, and how it reads as a text, is `serde_json`'s to say: it opens an
        // object, whose bracket becomes our comma.
        let at = self.out.len();
        serde_json::Serializer::new(&mut *self.out).serialize_map(None)?.serialize_key(key)?;
        self.out[at] = self.between;
        self.between = b',';
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.out.push(b':');
        value.serialize(Writer { out: &mut *self.out })
    }

    fn end(self) -> Result<()> {
        self.finish();
        Ok(())
    }
}

/// An object with the fields of a struct.
struct Struct<'a> {
    /// The name of a struct that only `serde_json` understands.
    own: Option<&'static str>,
    inner: Compound<'a>,
}

impl ser::SerializeStruct for Struct<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<()> {
        if let Some(name) = self.own {
            let mut serializer = serde_json::Serializer::new(&mut *self.inner.out);
            let mut raw = serializer.serialize_struct(name, 1)?;
            raw.serialize_field(key, value)?;
            return ser::SerializeStruct::end(raw);
        }
        self.inner.field(key, value)
    }

    #[inline]
    fn end(self) -> Result<()> {
        if self.own.is_none() {
            self.inner.finish();
        }
        Ok(())
    }
}

/// What stands inside of `{"variant":…}`.
struct Variant<'a> {
    inner: Compound<'a>,
}

impl Variant<'_> {
    fn finish(self) {
        let Compound { out, open, between, close } = self.inner;
        Compound { out: &mut *out, open, between, close }.finish();
        out.push(b'}');
    }
}

impl ser::SerializeTupleVariant for Variant<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.inner.element(value)
    }

    fn end(self) -> Result<()> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeStructVariant for Variant<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<()> {
        self.inner.field(key, value)
    }

    fn end(self) -> Result<()> {
        self.finish();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
