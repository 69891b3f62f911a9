#[automatically_derived]
impl<T> ::jstack_runtime::Payload for Page<T>
where
    T: ::jstack_runtime::Payload,
{
    fn check(&self, issues: &mut ::jstack_runtime::Issues) {
        issues
            .field(
                "nextPage",
                |issues| ::jstack_runtime::__private::check!(& self.next_page, issues),
            );
        issues
            .field(
                "items",
                |issues| ::jstack_runtime::__private::check!(& self.items, issues, T),
            );
    }
}
