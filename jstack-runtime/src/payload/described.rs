//! A type's schema as functions, so that schemars' part is compiled once and not for each type.

use std::borrow::Cow;
use std::cell::Cell;

use schemars::{JsonSchema, Schema, SchemaGenerator};

/// Writes a type's schema; nothing runs until somebody asks for it.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Like `SchemaGenerator::subschema_for`, but instantiated in the user's crate: one shared codegen
/// unit in schemars would be rebuilt whenever a type is added.
pub(crate) trait Described: JsonSchema {
    /// The schema, or a reference to it.
    fn described(generator: &mut SchemaGenerator) -> Schema {
        const {
            &Type {
                inline: Self::inline_schema,
                name: Self::schema_name,
                id: Self::schema_id,
                schema: Self::json_schema,
            }
        }
        .described(generator)
    }
}

impl<T: JsonSchema> Described for T {}

/// What schemars asks a type for.
struct Type {
    inline: fn() -> bool,
    name: fn() -> Cow<'static, str>,
    id: fn() -> Cow<'static, str>,
    schema: fn(&mut SchemaGenerator) -> Schema,
}

thread_local! {
    /// The type that [`Any`] represents.
    static CURRENT: Cell<&'static Type> = const { Cell::new(&Type {
        inline: bool::inline_schema,
        name: bool::schema_name,
        id: bool::schema_id,
        schema: bool::json_schema,
    }) };
}

impl Type {
    fn described(&'static self, generator: &mut SchemaGenerator) -> Schema {
        let outer = CURRENT.replace(self);
        let schema = generator.subschema_for::<Any>();
        CURRENT.set(outer);
        schema
    }
}

/// Whichever type [`CURRENT`] is: schemars asks for functions of a type and takes no value.
struct Any;

impl JsonSchema for Any {
    fn inline_schema() -> bool {
        (CURRENT.get().inline)()
    }

    fn schema_name() -> Cow<'static, str> {
        (CURRENT.get().name)()
    }

    fn schema_id() -> Cow<'static, str> {
        (CURRENT.get().id)()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        (CURRENT.get().schema)(generator)
    }
}
