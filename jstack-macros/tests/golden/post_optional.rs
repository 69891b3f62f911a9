#[allow(clippy::unused_async)]
async fn create(page: Option<Page>) {}
#[doc(hidden)]
mod create {
    /// Stands for `create` in `router![]`.
    pub(super) struct Procedure;
}
#[automatically_derived]
impl ::jstack_runtime::__private::HttpProcedure for create::Procedure {
    type Input = ::core::option::Option<Page>;
    type Output = ();
}
#[automatically_derived]
impl<
    __S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static,
> ::jstack_runtime::__private::Procedure<__S> for create::Procedure {
    const INFO: ::jstack_runtime::__private::ProcedureInfo = ::jstack_runtime::__private::answers::<
        (),
        _,
    >()
        .post("create")
        .input(::jstack_runtime::__private::optional_inputs::<Page>());
    const CALL: ::jstack_runtime::__private::ServeFn<__S> = |mut cx| {
        ::std::boxed::Box::pin(async move {
            let answer = ::jstack_runtime::__private::sendable(
                    create(
                        ::jstack_runtime::__private::optional_inputs::<Page>()
                            .read(cx.input().await?)?
                            .0,
                    ),
                )
                .await;
            let issues = ::jstack_runtime::__private::issues!(& answer);
            ::jstack_runtime::__private::answers::<(), _>().reply(answer, issues)
        })
    };
}
