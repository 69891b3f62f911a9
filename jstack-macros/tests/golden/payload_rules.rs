#[automatically_derived]
impl<T> ::jstack_runtime::Payload for Message<T>
where
    T: ::jstack_runtime::Payload,
    Self: ::jstack_runtime::__private::garde::Validate<Context = ()>,
    T: Clone,
{
    fn check(&self, issues: &mut ::jstack_runtime::Issues) {
        issues
            .renamed(
                &[("more", "rest")],
                |issues| ::jstack_runtime::__rules(self, issues),
            );
    }
}
