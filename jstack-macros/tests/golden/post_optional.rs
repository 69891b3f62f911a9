async fn create(page: Option<Page>) {}
#[doc(hidden)]
mod create {
    /// Stands for `create` in `router![]`.
    pub(super) struct Procedure;
}
impl<
    __S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static,
> ::jstack_runtime::Procedure<__S> for create::Procedure {
    const INFO: ::jstack_runtime::Info = ::jstack_runtime::__answers::<(), _>()
        .post("create")
        .input(::jstack_runtime::__optional_inputs::<Page>());
    const CALL: ::jstack_runtime::Serve<__S> = |mut cx| {
        ::std::boxed::Box::pin(async move {
            let answer = create(
                    ::jstack_runtime::__optional_inputs::<Page>()
                        .read(cx.input().await?)?
                        .0,
                )
                .await;
            let issues = ::jstack_runtime::__issues!(& answer);
            ::jstack_runtime::__answers::<(), _>().reply(answer, issues)
        })
    };
}
