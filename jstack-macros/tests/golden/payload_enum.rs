#[automatically_derived]
impl ::jstack_runtime::Payload for Choice {
    fn check(&self, issues: &mut ::jstack_runtime::Issues) {
        match self {
            Self::One { 0: field0 } => {
                issues
                    .field(
                        "",
                        |issues| ::jstack_runtime::__private::check!(field0, issues),
                    );
            }
            Self::Two { 1: field1, .. } => {
                issues
                    .field(
                        "[1]",
                        |issues| ::jstack_runtime::__private::check!(field1, issues),
                    );
            }
            Self::Named { b: field1, .. } => {
                issues
                    .field(
                        "b",
                        |issues| ::jstack_runtime::__private::check!(field1, issues),
                    );
            }
            _ => {}
        }
    }
}
