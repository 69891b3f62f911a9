//! What may travel.

use super::issues::Issues;

/// A type that may travel: in an event, as the input of a procedure, or as its answer.
///
/// Derive it beside `Serialize`, `Deserialize` and `JsonSchema`. If the type carries
/// `#[garde(…)]` rules, derive `Validate` too: every value is then checked on its way in,
/// before the handler, and on its way out, before the wire. A field whose type has rules is
/// checked as well, so that no declared rule is ever skipped.
///
/// The attributes are the rules. Lengths of texts in characters and ranges of integers are often
/// decided without `garde`, so a hand-written `impl Validate` may be skipped. For rules that need
/// code, use `#[garde(custom(…))]`, or `impl Payload` with a `check`.
///
/// ```
/// use jstack_runtime::prelude::*;
///
/// #[derive(Serialize, Deserialize, JsonSchema, Validate, Payload)]
/// struct Message {
///     #[garde(length(chars, min = 1, max = 2000))]
///     message: String,
/// }
///
/// let mut issues = jstack_runtime::Issues::default();
/// Message { message: String::new() }.check(&mut issues);
/// assert_eq!(issues.as_slice()[0].path, "message");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a payload",
    label = "not a payload",
    note = "add `Payload` to its derives"
)]
pub trait Payload: Send + Sync + 'static {
    /// Adds an issue for each rule that this value breaks.
    ///
    /// The derive writes it from the `#[garde(…)]` attributes. Implement it for rules that need code:
    ///
    /// ```
    /// use jstack_runtime::Issues;
    /// use jstack_runtime::prelude::*;
    ///
    /// #[derive(Serialize, Deserialize, JsonSchema)]
    /// struct Stay {
    ///     from: u32,
    ///     until: u32,
    /// }
    ///
    /// impl Payload for Stay {
    ///     fn check(&self, issues: &mut Issues) {
    ///         if self.until <= self.from {
    ///             issues.field("until", |issues| issues.add("must be after `from`"));
    ///         }
    ///     }
    /// }
    ///
    /// let mut issues = Issues::default();
    /// Stay { from: 3, until: 2 }.check(&mut issues);
    /// assert_eq!(issues.as_slice()[0].to_string(), "until: must be after `from`");
    /// ```
    fn check(&self, issues: &mut Issues) {
        let _ = issues;
    }
}
