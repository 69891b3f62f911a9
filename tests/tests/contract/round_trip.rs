//! Values of the Rust types against the schemas and the TypeScript types.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};

use arbitrary::{Arbitrary, Unstructured};
use jsonschema::Validator;
use jstack_runtime::contract::{Contract, OutputContract};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[allow(clippy::wildcard_imports, reason = "the list names all of them")]
use super::composed::*;
use super::every::every_type;
use super::routes;
use super::types::*;

/// The validators of what a procedure takes and of what it answers.
struct Schemas {
    input: Option<Validator>,
    output: Option<Validator>,
}

impl Schemas {
    fn of(contract: &Contract, path: &str) -> Self {
        let procedure = contract.procedures().iter().find(|p| p.path == path).expect(path);
        let output = match &procedure.output {
            Some(OutputContract::Json(schema)) => Some(schema),
            _ => None,
        };
        Self {
            input: procedure.input.as_ref().map(|input| validator(contract, &input.schema)),
            output: output.map(|schema| validator(contract, schema)),
        }
    }
}

/// The path of an echo: URLs are in camelCase.
fn path(name: &str) -> String {
    format!("every/{}", camel(name))
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| text + &word[..1].to_uppercase() + &word[1..])
}

fn validator(contract: &Contract, schema: &Value) -> Validator {
    let types: BTreeMap<_, _> = contract.types().collect();
    let mut schema = match schema {
        Value::Object(object) => object.clone(),
        _ => serde_json::Map::new(),
    };
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("$defs".to_owned(), json!(types));
    jsonschema::options().should_validate_formats(true).build(&schema.into()).expect("a schema")
}

fn accepted(validator: Option<&Validator>, value: &Value) -> Result<(), TestCaseError> {
    let Some(validator) = validator else { return Ok(()) };
    let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    prop_assert!(errors.is_empty(), "{value} is refused: {errors:?}");
    Ok(())
}

/// Values made from random bytes: those of the type `T`.
fn each<T: for<'a> Arbitrary<'a> + Debug>(check: impl Fn(T) -> Result<(), TestCaseError>) {
    // The same values each time, so that a failure is one tomorrow as well.
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 128, failure_persistence: None, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let bytes = proptest::collection::vec(any::<u8>(), 0..512);
    let outcome = runner.run(&bytes, |bytes| match T::arbitrary(&mut Unstructured::new(&bytes)) {
        Ok(value) => {
            let shown = format!("{value:?}");
            check(value).map_err(|error| TestCaseError::fail(format!("{error}\nvalue: {shown}")))
        }
        Err(_) => Ok(()),
    });
    if let Err(error) = outcome {
        panic!("{}: {error}", std::any::type_name::<T>());
    }
}

fn round_trip<T>(contract: &Contract, name: &str)
where
    T: for<'a> Arbitrary<'a> + Debug + Serialize + DeserializeOwned,
{
    let schemas = Schemas::of(contract, &path(name));
    each::<T>(|value| {
        let json = serde_json::to_value(&value).expect("serialises");
        accepted(schemas.output.as_ref(), &json)?;
        if serde_json::from_value::<T>(json.clone()).is_ok() && schemas.input.is_some() {
            accepted(schemas.input.as_ref(), &json)?;
        }
        Ok(())
    });
}

#[test]
fn what_rust_writes_the_schemas_accept() {
    let contract = routes::contract();
    macro_rules! check {
        ($($name:ident: $type:ty,)*) => { $(round_trip::<$type>(&contract, stringify!($name));)* };
    }
    every_type!(check);
}

#[test]
fn what_rust_refuses_the_schemas_refuse_where_the_shape_is_wrong() {
    let contract = routes::contract();
    let refused = |name: &str, value: Value| {
        let schemas = Schemas::of(&contract, &path(name));
        assert!(!schemas.input.expect(name).is_valid(&value), "{name} accepts {value}");
    };
    refused("point", json!({ "x": 1 }));
    refused("point", json!({ "x": 1, "y": 2, "z": 3 }));
    refused("point", json!({ "x": 1.5, "y": 2 }));
    refused("closed", json!({ "a": 1 }));
    refused("couple", json!(["a"]));
    refused("couple", json!(["a", 1, 2]));
    refused("numbers", json!({ "a": 256 }));
    refused("color", json!("purple"));
    refused("external", json!({ "named": { "x": 1, "y": 2 }, "unit": null }));
    refused("internal", json!({ "type": "point", "x": 1 }));
    refused("adjacent", json!({ "t": "Text", "c": 1 }));
    refused("operation", json!({ "op": "Add", "left": { "op": "Number", "n": 1 } }));
    refused("nested", json!([[1]]));
    refused("maps", json!({ "text": {}, "unsigned": { "a": "" } }));
    refused("wide", json!({ "declared": 1, "ranged": 1_000_001, "text": "1", "huge": "1" }));
}

/// A value passes both or neither.
#[test]
fn what_garde_refuses_the_schema_refuses() {
    let contract = routes::contract();
    let schemas = Schemas::of(&contract, "every/ruled");
    let input = schemas.input.expect("an input");
    let (mut good, mut bad) = (0, 0);
    let name = "[a-zé😀]{0,10}";
    let tag = "[a-z]{0,4}";
    let values = (
        name,
        0_u8..12,
        proptest::collection::vec(tag, 0..4),
        "[a-zA-Z]{0,3}",
        0_u64..1_200_000,
        proptest::option::of(-3_i32..3),
    );
    let mut runner =
        TestRunner::new(Config { cases: 4096, failure_persistence: None, ..Config::default() });
    runner
        .run(&values, |(name, count, tags, slug, big, maybe)| {
            let value = Ruled { name, count, tags, slug, big, maybe };
            let by_garde = garde::Validate::validate(&value).is_ok();
            let by_schema = input.is_valid(&serde_json::to_value(&value).expect("serialises"));
            prop_assert_eq!(by_garde, by_schema, "{:?}", value);
            Ok(())
        })
        .expect("the same verdict");
    // One broken rule at a time, so that none of them hides behind another.
    let fine = Ruled {
        name: "Ann".into(),
        count: 5,
        tags: vec!["abc".into()],
        slug: "a".into(),
        big: 1,
        maybe: Some(-1),
    };
    let broken = [
        Ruled { name: String::new(), ..fine.clone() },
        Ruled { name: "é".repeat(9), ..fine.clone() },
        Ruled { count: 0, ..fine.clone() },
        Ruled { count: 10, ..fine.clone() },
        Ruled { tags: vec!["a".into(); 3], ..fine.clone() },
        Ruled { tags: vec!["abcd".into()], ..fine.clone() },
        Ruled { slug: "A".into(), ..fine.clone() },
        Ruled { big: 1_000_001, ..fine.clone() },
        Ruled { maybe: Some(-2), ..fine.clone() },
    ];
    for value in [fine].into_iter().chain(broken) {
        let by_garde = garde::Validate::validate(&value).is_ok();
        let by_schema = input.is_valid(&serde_json::to_value(&value).expect("serialises"));
        assert_eq!(by_garde, by_schema, "{value:?}");
        if by_garde { good += 1 } else { bad += 1 }
    }
    assert_eq!((good, bad), (1, 9));
}

/// Some values of each type as literals, which `tsc` then checks against the type.
pub(crate) fn literals() -> String {
    let contract = routes::contract();
    let mut file = "import type { AppRouter, Post } from \"./api.js\"\n\n\
        type Out<P> = P extends Post<any, infer Out> ? Out : never\n\
        type In<P> = P extends Post<infer In, any> ? In : never\n"
        .to_owned();
    macro_rules! write {
        ($($name:ident: $type:ty,)*) => { $(write_literals::<$type>(&contract, stringify!($name), &mut file);)* };
    }
    every_type!(write);
    file
}

fn write_literals<T>(contract: &Contract, name: &str, file: &mut String)
where
    T: for<'a> Arbitrary<'a> + Debug + Serialize + DeserializeOwned,
{
    let schemas = Schemas::of(contract, &path(name));
    let (out, into) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    each::<T>(|value| {
        let json = serde_json::to_value(&value).expect("serialises");
        let text = json.to_string();
        let mut out = out.borrow_mut();
        if out.len() < 12 && !out.contains(&text) {
            out.push(text.clone());
            if serde_json::from_value::<T>(json).is_ok() {
                into.borrow_mut().push(text);
            }
        }
        Ok(())
    });
    let name = camel(name);
    let mut list = |what: &str, values: &[String]| {
        let _ = writeln!(
            file,
            "export const {name}_{what}: {what}<AppRouter[\"every\"][\"{name}\"]>[] = ["
        );
        for value in values {
            let _ = writeln!(file, "  {value},");
        }
        let _ = writeln!(file, "]");
    };
    if schemas.output.is_some() {
        list("Out", &out.borrow());
    }
    if schemas.input.is_some() {
        list("In", &into.borrow());
    }
}
