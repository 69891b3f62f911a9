#[automatically_derived]
impl<T> ::jstack_runtime::Payload for Message<T>
where
    T: ::jstack_runtime::Payload,
    Self: ::jstack_runtime::__private::garde::Validate<Context = ()>,
    T: Clone,
{
    fn check(&self, issues: &mut ::jstack_runtime::Issues) {
        #[allow(unused_imports)]
        use ::jstack_runtime::__private::Undecided as _;
        if (&::jstack_runtime::__private::FastCheck(&self.text)).has_chars(1..) {
            return;
        }
        issues
            .renamed(
                &[("more", "rest")],
                |issues| ::jstack_runtime::__private::rules(self, issues),
            );
    }
}
#[automatically_derived]
impl<'__a, T> ::core::panic::UnwindSafe for Message<T>
where
    ::jstack_runtime::__private::Ruled<'__a>: ::core::panic::UnwindSafe,
    T: Clone,
{}
#[automatically_derived]
impl<'__a, T> ::core::panic::RefUnwindSafe for Message<T>
where
    ::jstack_runtime::__private::Ruled<'__a>: ::core::panic::RefUnwindSafe,
    T: Clone,
{}
