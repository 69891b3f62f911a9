//! What a type's schema says about a place in its JSON: which kinds of value may stand there,
//! and which of several forms a value has.

use std::any::TypeId;
use std::sync::{Arc, LazyLock};

use parking_lot::RwLock;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value};

use crate::payload::{Described, SchemaOf};
use crate::platform::HashMap;

/// A type's schema, made once and kept.
#[derive(Debug)]
pub(crate) struct Shape {
    root: Value,
    definitions: Map<String, Value>,
    dates: bool,
}

/// References and unions may nest; a schema that does so deeper than this goes round in circles.
const NESTED: usize = 16;

impl Shape {
    /// The shape of what deserialises as `T`.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn input<T: JsonSchema + 'static>() -> Arc<Self> {
        TypeSchema::of::<T>().input()
    }

    fn new(schema: SchemaOf, mut generator: SchemaGenerator) -> Self {
        let root = schema(&mut generator).to_value();
        let definitions = generator.take_definitions(true);
        let dates = mentions_date(&root) || definitions.values().any(mentions_date);
        Self { root, definitions, dates }
    }

    /// Whether a point in time can occur anywhere in the value.
    pub(crate) fn has_dates(&self) -> bool {
        self.dates
    }

    /// The value as a whole.
    pub(crate) fn root(&self) -> SchemaNode<'_> {
        self.place([&self.root])
    }

    fn place<'a>(&'a self, schemas: impl IntoIterator<Item = &'a Value>) -> SchemaNode<'a> {
        let mut forms = Vec::new();
        for schema in schemas {
            self.expand(schema, NESTED, &mut forms);
        }
        SchemaNode { shape: self, forms }
    }

    /// Adds the forms that `schema` allows, references and unions resolved.
    fn expand<'a>(&'a self, schema: &'a Value, nested: usize, forms: &mut Vec<&'a Value>) {
        let Some(nested) = nested.checked_sub(1) else { return };
        if forms.iter().any(|known| std::ptr::eq(*known, schema)) {
            return;
        }
        forms.push(schema);
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let name = reference.rsplit('/').next().unwrap_or_default();
            let name = name.replace("~1", "/").replace("~0", "~");
            if let Some(definition) = self.definitions.get(&name) {
                self.expand(definition, nested, forms);
            }
        }
        for union in ["anyOf", "oneOf", "allOf"] {
            for schema in schema.get(union).and_then(Value::as_array).into_iter().flatten() {
                self.expand(schema, nested, forms);
            }
        }
    }
}

type ShapeCache = LazyLock<RwLock<HashMap<TypeId, Arc<Shape>>>>;

/// A type that has a schema, as data.
#[derive(Clone, Copy)]
pub(crate) struct TypeSchema {
    id: TypeId,
    schema: SchemaOf,
}

impl TypeSchema {
    pub(crate) const fn of<T: JsonSchema + 'static>() -> Self {
        Self { id: TypeId::of::<T>(), schema: <T as Described>::described }
    }

    /// The shape of what deserialises as the type.
    pub(crate) fn input(self) -> Arc<Shape> {
        static SHAPES: ShapeCache = LazyLock::new(RwLock::default);
        cached(&SHAPES, self, || SchemaSettings::default().into_generator())
    }

    /// The shape of what the type serialises to.
    pub(crate) fn output(self) -> Arc<Shape> {
        static SHAPES: ShapeCache = LazyLock::new(RwLock::default);
        cached(&SHAPES, self, || SchemaSettings::default().for_serialize().into_generator())
    }
}

fn cached(cache: &ShapeCache, of: TypeSchema, generator: fn() -> SchemaGenerator) -> Arc<Shape> {
    if let Some(shape) = cache.read().get(&of.id) {
        return Arc::clone(shape);
    }
    // Made outside the lock: a schema is the user's code.
    let shape = Arc::new(Shape::new(of.schema, generator()));
    tracing::trace!(schema = %shape.root, "schema made");
    Arc::clone(cache.write().entry(of.id).or_insert(shape))
}

fn mentions_date(schema: &Value) -> bool {
    match schema {
        Value::Object(parts) => {
            parts.get("format").is_some_and(|format| format == DATE)
                || parts.values().any(mentions_date)
        }
        Value::Array(parts) => parts.iter().any(mentions_date),
        _ => false,
    }
}

/// The `format` of a point in time. A `date` is not one: JavaScript would read it as midnight in
/// Greenwich, which is the day before in half of the world.
const DATE: &str = "date-time";

/// A place in a type's JSON, with every form that its schema allows there.
#[derive(Clone, Debug)]
pub(crate) struct SchemaNode<'a> {
    shape: &'a Shape,
    forms: Vec<&'a Value>,
}

/// The kinds of JSON value that a place allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "one for each kind of JSON value")]
pub(crate) struct Kinds {
    pub(crate) null: bool,
    pub(crate) boolean: bool,
    pub(crate) integer: bool,
    pub(crate) number: bool,
    pub(crate) string: bool,
    pub(crate) array: bool,
    pub(crate) object: bool,
    /// The schema does not say.
    pub(crate) any: bool,
}

impl Kinds {
    fn add(&mut self, name: &str) {
        match name {
            "null" => self.null = true,
            "boolean" => self.boolean = true,
            "integer" => self.integer = true,
            "number" => self.number = true,
            "string" => self.string = true,
            "array" => self.array = true,
            "object" => self.object = true,
            _ => self.any = true,
        }
    }

    fn add_kind_of(&mut self, value: &Value) {
        self.add(match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        });
    }

    pub(crate) fn allows_null(self) -> bool {
        self.null || self.any
    }

    fn allows(self, value: &Value) -> bool {
        self.any
            || match value {
                Value::Null => self.null,
                Value::Bool(_) => self.boolean,
                Value::Number(_) => self.number || self.integer,
                Value::String(_) => self.string,
                Value::Array(_) => self.array,
                Value::Object(_) => self.object,
            }
    }
}

/// The kinds that one form names itself, without what it refers to.
fn kinds_of(form: &Value) -> Kinds {
    let mut kinds = Kinds::default();
    let Some(parts) = form.as_object() else {
        kinds.any = form == &Value::Bool(true);
        return kinds;
    };
    match parts.get("type") {
        Some(Value::String(name)) => kinds.add(name),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).for_each(|name| kinds.add(name));
        }
        _ => {
            if let Some(value) = parts.get("const") {
                kinds.add_kind_of(value);
            } else if let Some(Value::Array(values)) = parts.get("enum") {
                for value in values {
                    kinds.add_kind_of(value);
                }
            } else if parts.contains_key("properties") {
                kinds.object = true;
            } else {
                let refers = ["$ref", "anyOf", "oneOf", "allOf"];
                kinds.any = !refers.iter().any(|part| parts.contains_key(*part));
            }
        }
    }
    kinds
}

impl<'a> SchemaNode<'a> {
    /// The kinds of value that may stand here.
    pub(crate) fn kinds(&self) -> Kinds {
        let mut all = Kinds::default();
        for form in &self.forms {
            let kinds = kinds_of(form);
            all.null |= kinds.null;
            all.boolean |= kinds.boolean;
            all.integer |= kinds.integer;
            all.number |= kinds.number;
            all.string |= kinds.string;
            all.array |= kinds.array;
            all.object |= kinds.object;
            all.any |= kinds.any;
        }
        all
    }

    /// The field called `name`.
    pub(crate) fn field(&self, name: &str) -> SchemaNode<'a> {
        self.shape.place(self.forms.iter().flat_map(|form| {
            let field = form.get("properties").and_then(|fields| fields.get(name));
            field.into_iter().chain(rest(form).filter(move |_| field.is_none()))
        }))
    }

    /// A field of any name, of a map.
    pub(crate) fn any_field(&self) -> SchemaNode<'a> {
        self.shape.place(self.forms.iter().flat_map(|form| rest(form)))
    }

    /// Whether an object here may have fields that are named by counting from 0, so many of them.
    pub(crate) fn is_object_with(&self, counted: usize) -> bool {
        if counted == 0 {
            return self.clone().of(&Value::Object(Map::new())).kinds().object;
        }
        let names = |form: &Value| {
            let named = form.get("properties").is_some_and(|fields| fields.get("0").is_some());
            named
                || rest(form).next().is_some()
                || form.get("additionalProperties") == Some(&Value::Bool(true))
        };
        self.forms.iter().any(|form| names(form))
    }

    /// A place of which nothing is known.
    pub(crate) fn nowhere(&self) -> SchemaNode<'a> {
        SchemaNode { shape: self.shape, forms: Vec::new() }
    }

    /// Whether every element of an array here is alike.
    pub(crate) fn is_list(&self) -> bool {
        !self.forms.iter().any(|form| form.get("prefixItems").is_some())
    }

    /// The element at `index`.
    pub(crate) fn element(&self, index: usize) -> SchemaNode<'a> {
        self.shape.place(self.forms.iter().filter_map(|form| {
            form.get("prefixItems").and_then(|items| items.get(index)).or_else(|| form.get("items"))
        }))
    }

    /// Keeps the forms that `value` can have: of an enum's variants, the one that it is.
    pub(crate) fn of(mut self, value: &Value) -> SchemaNode<'a> {
        self.forms.retain(|form| can_be(form, value));
        self
    }

    /// Whether a text here is a point in time.
    pub(crate) fn is_date(&self) -> bool {
        self.forms.iter().any(|form| form.get("format").is_some_and(|format| format == DATE))
    }

    /// The fields that an object here must have, in the order of the schema.
    pub(crate) fn required(&self) -> Vec<&'a str> {
        let mut names = Vec::new();
        for form in &self.forms {
            let required = form.get("required").and_then(Value::as_array);
            names.extend(required.into_iter().flatten().filter_map(Value::as_str));
        }
        names
    }

    /// Whether an object here has one form only, so that [`required`](Self::required) is certain.
    pub(crate) fn is_one_object(&self) -> bool {
        self.forms.iter().filter(|form| form.get("properties").is_some()).count() == 1
    }
}

/// What the fields of a map are, whose names the schema does not know.
fn rest(form: &Value) -> impl Iterator<Item = &Value> {
    let patterns = form.get("patternProperties").and_then(Value::as_object);
    let others = form.get("additionalProperties").filter(|others| others.is_object());
    patterns.into_iter().flat_map(|patterns| patterns.values()).chain(others)
}

fn can_be(form: &Value, value: &Value) -> bool {
    let kinds = kinds_of(form);
    if kinds != Kinds::default() && !kinds.allows(value) {
        return false;
    }
    if let Some(expected) = form.get("const") {
        return expected == value;
    }
    let Some(object) = value.as_object() else { return true };
    let required = form.get("required").and_then(Value::as_array);
    if !required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .all(|name| object.contains_key(name))
    {
        return false;
    }
    let Some(fields) = form.get("properties").and_then(Value::as_object) else { return true };
    fields.iter().all(|(name, field)| match (field.get("const"), object.get(name)) {
        (Some(expected), Some(value)) => expected == value,
        _ => true,
    })
}
