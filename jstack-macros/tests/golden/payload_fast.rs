#[automatically_derived]
impl ::jstack_runtime::Payload for Message {
    fn check(&self, issues: &mut ::jstack_runtime::Issues) {
        #[allow(unused_imports)]
        use ::jstack_runtime::__private::Undecided as _;
        if (&::jstack_runtime::__private::FastCheck(&self.text)).has_chars(1..=64)
            && (&::jstack_runtime::__private::FastCheck(&self.count)).is_within(..=9)
        {
            return;
        }
        ::jstack_runtime::__private::rules(self, issues)
    }
}
#[automatically_derived]
impl<'__a> ::core::panic::UnwindSafe for Message
where
    ::jstack_runtime::__private::Ruled<'__a>: ::core::panic::UnwindSafe,
{}
#[automatically_derived]
impl<'__a> ::core::panic::RefUnwindSafe for Message
where
    ::jstack_runtime::__private::Ruled<'__a>: ::core::panic::RefUnwindSafe,
{}
