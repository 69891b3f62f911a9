//! The list of all types, for macros.

/// Calls a macro with `name: Type` for every type of [`types`](crate::types).
macro_rules! every_type {
    ($with:ident) => {
        $with! {
            unit: Unit, empty: Empty, closed: Closed, newtype: Newtype, transparent: Transparent,
            couple: Couple, tail: Tail, point: Point, numbers: Numbers, wide: Wide,
            camel_case: CamelCase, keys: Keys, comments: Comments, options: Options,
            one_way: OneWay, defaults: Defaults, color: Color, plain: Plain, single: Single,
            external: External, internal: Internal, point2: Point2, adjacent: Adjacent,
            untagged: Untagged, tagged: Tagged, partly_untagged: PartlyUntagged,
            operation: Operation, tree: Tree, ping: Ping, pong: Pong, nested: Nested,
            linked: Linked, inner: Inner, flatten_struct: FlattenStruct,
            flatten_values: FlattenValues, flatten_any: FlattenAny, flatten_enum: FlattenEnum,
            shape: Shape, flatten_external: FlattenExternal, either: Either,
            flatten_option: FlattenOption, flatten_maybe: FlattenMaybe, maps: Maps, id: Id, sequences: Sequences,
            anything: Anything, foreign: Foreign, lasting: Lasting,
            page_of_points: Page<Point>, page_of_pages: Page<Page<Color>>,
            page_of_lists: Page<Vec<String>>, both: Both<Point, Option<u8>>,
            both_again: Both<String, admin::Config>, listed: Listed<Point>, outcome: Outcome,
            intervals: Intervals, date: Date, record: Record, fetched: Fetched,
            converted: Converted, ruled: Ruled, message: Message, envelope: Envelope,
            admin_config: admin::Config, rooms_config: rooms::Config,
            list: Vec<Point>, map: std::collections::BTreeMap<u8, Color>,
            tuple: (u8, String), nothing: (),
        }
    };
}

pub(crate) use every_type;
