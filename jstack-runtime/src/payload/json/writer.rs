//! `Writer`: a `serde::Serializer` that appends to a buffer.
//!
//! An emit writes every payload, and most of a payload is texts. `serde_json` looks at each of their
//! bytes by itself and at the buffer's capacity for each mark between them. Here a text is looked at in
//! words. What is rare (floats, keys of maps) is left to `serde_json`.

use std::fmt::{self, Display, Write as _};

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::text;

/// Appends `value` as JSON, exactly as `serde_json` writes it.
pub(crate) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> serde_json::Result<()> {
    value.serialize(Writer { out, verbatim: false })
}

/// Appends one value.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// A text is JSON already.
    verbatim: bool,
}

/// How `serde_json` calls the struct in which it carries JSON that is written already.
const RAW: &str = "$serde_json::private::RawValue";
/// The same for a number of any precision.
const NUMBER: &str = "$serde_json::private::Number";

impl Writer<'_> {
    /// What is left to `serde_json`.
    fn plainly<T: Serialize>(self, value: T) -> serde_json::Result<()> {
        value.serialize(&mut serde_json::Serializer::new(self.out))
    }

    fn literal(self, literal: &[u8]) {
        self.out.extend_from_slice(literal);
    }
}

macro_rules! as_serde_json_does {
    ($($name:ident: $type:ty)*) => { $(
        fn $name(self, value: $type) -> serde_json::Result<()> {
            self.plainly(value)
        }
    )* };
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Compound<'a>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    as_serde_json_does! {
        serialize_i8: i8
        serialize_i16: i16
        serialize_i32: i32
        serialize_i64: i64
        serialize_i128: i128
        serialize_u8: u8
        serialize_u16: u16
        serialize_u32: u32
        serialize_u64: u64
        serialize_u128: u128
        serialize_f32: f32
        serialize_f64: f64
    }

    fn serialize_bool(self, value: bool) -> serde_json::Result<()> {
        self.literal(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_char(self, value: char) -> serde_json::Result<()> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> serde_json::Result<()> {
        if self.verbatim {
            self.literal(value.as_bytes());
        } else {
            text::write_quoted(value, self.out);
        }
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> serde_json::Result<()> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> serde_json::Result<()> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> serde_json::Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> serde_json::Result<()> {
        self.literal(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> serde_json::Result<()> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> serde_json::Result<()> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> serde_json::Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> serde_json::Result<()> {
        let out = self.out;
        open_variant(variant, out);
        write(value, out)?;
        out.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> serde_json::Result<Compound<'a>> {
        Ok(Compound::list(self.out))
    }

    fn serialize_tuple(self, _: usize) -> serde_json::Result<Compound<'a>> {
        Ok(Compound::list(self.out))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> serde_json::Result<Compound<'a>> {
        Ok(Compound::list(self.out))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> serde_json::Result<Compound<'a>> {
        open_variant(variant, self.out);
        Ok(Compound::list(self.out))
    }

    fn serialize_map(self, _: Option<usize>) -> serde_json::Result<Compound<'a>> {
        Ok(Compound::object(self.out))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> serde_json::Result<Compound<'a>> {
        // One look at the name, which of nearly all structs is a type's.
        if name.starts_with('$') && matches!(name, RAW | NUMBER) {
            return Ok(Compound::verbatim(self.out));
        }
        Ok(Compound::object(self.out))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> serde_json::Result<Compound<'a>> {
        open_variant(variant, self.out);
        Ok(Compound::object(self.out))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> serde_json::Result<()> {
        self.out.push(b'"');
        write!(Escaping(self.out), "{value}").map_err(serde_json::Error::custom)?;
        self.out.push(b'"');
        Ok(())
    }
}

/// Writes `{"variant":`.
fn open_variant(variant: &str, out: &mut Vec<u8>) {
    out.push(b'{');
    text::write_quoted(variant, out);
    out.push(b':');
}

/// Writes the key of a map as `serde_json` does, which knows what may be one. `first`: nothing stands
/// before it.
fn write_key<T: Serialize + ?Sized>(
    key: &T,
    first: bool,
    out: &mut Vec<u8>,
) -> serde_json::Result<()> {
    let start = out.len();
    let mut writer = serde_json::Serializer::new(&mut *out);
    (&mut writer).serialize_map(None)?.serialize_key(key)?;
    // It began a map, whose bracket is here already.
    if first {
        out.remove(start);
    } else {
        out[start] = b',';
    }
    out.push(b':');
    Ok(())
}

/// Appends what is formatted to it, escaped.
struct Escaping<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text::write_escaped(text, self.0);
        Ok(())
    }
}

/// What stands between the brackets of a list, a map or a struct.
pub(crate) struct Compound<'a> {
    out: &'a mut Vec<u8>,
    /// Nothing was written yet.
    first: bool,
    /// It is JSON that was written before, in the shape of a struct.
    verbatim: bool,
}

impl<'a> Compound<'a> {
    fn list(out: &'a mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { out, first: true, verbatim: false }
    }

    #[inline]
    fn object(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true, verbatim: false }
    }

    fn verbatim(out: &'a mut Vec<u8>) -> Self {
        Self { out, first: true, verbatim: true }
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> serde_json::Result<()> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        write(value, self.out)
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> serde_json::Result<()> {
        if self.verbatim {
            return value.serialize(Writer { out: self.out, verbatim: true });
        }
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        text::write_quoted(name, self.out);
        self.out.push(b':');
        write(value, self.out)
    }

    fn close(self, end: &[u8]) {
        self.out.extend_from_slice(end);
    }
}

macro_rules! lists {
    ($($of:ident $method:ident $end:literal)*) => { $(
        impl $of for Compound<'_> {
            type Ok = ();
            type Error = serde_json::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> serde_json::Result<()> {
                self.element(value)
            }

            fn end(self) -> serde_json::Result<()> {
                self.close($end);
                Ok(())
            }
        }
    )* };
}

lists! {
    SerializeSeq serialize_element b"]"
    SerializeTuple serialize_element b"]"
    SerializeTupleStruct serialize_field b"]"
    SerializeTupleVariant serialize_field b"]}"
}

impl SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> serde_json::Result<()> {
        write_key(key, std::mem::take(&mut self.first), self.out)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> serde_json::Result<()> {
        write(value, self.out)
    }

    fn end(self) -> serde_json::Result<()> {
        self.close(b"}");
        Ok(())
    }
}

impl SerializeStruct for Compound<'_> {
    type Ok = ();
    type Error = serde_json::Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> serde_json::Result<()> {
        self.field(name, value)
    }

    #[inline]
    fn end(self) -> serde_json::Result<()> {
        if !self.verbatim {
            self.close(b"}");
        }
        Ok(())
    }
}

impl SerializeStructVariant for Compound<'_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> serde_json::Result<()> {
        self.field(name, value)
    }

    fn end(self) -> serde_json::Result<()> {
        self.close(b"}}");
        Ok(())
    }
}
