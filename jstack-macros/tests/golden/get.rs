/// The latest messages.
pub async fn recent(State(db): State<Db>, page: Page) -> Result<Vec<Message>> {
    todo.await
}
#[doc(hidden)]
pub mod recent {
    /// Stands for `recent` in `router![]`.
    pub struct Procedure;
}
#[automatically_derived]
impl ::jstack_runtime::__private::HttpProcedure for recent::Procedure {
    type Input = Page;
    type Output = Vec<Message>;
}
#[automatically_derived]
impl<
    __S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static,
> ::jstack_runtime::__private::Procedure<__S> for recent::Procedure
where
    State<Db>: ::jstack_runtime::__private::RequestExtractor<__S>,
{
    const INFO: ::jstack_runtime::__private::ProcedureInfo = ::jstack_runtime::__private::results::<
        Result<Vec<Message>>,
        _,
    >()
        .get("recent")
        .docs("The latest messages.")
        .input(::jstack_runtime::__private::inputs::<Page>());
    const CALL: ::jstack_runtime::__private::ServeFn<__S> = |mut cx| {
        ::std::boxed::Box::pin(async move {
            let answer = ::jstack_runtime::__private::refused(
                ::jstack_runtime::__private::chosen!(
                    ::jstack_runtime::__private::sendable(recent(cx.extract(). await ?,
                    ::jstack_runtime::__private::inputs:: < Page > ().read(cx.input().
                    await ?) ? .0)). await
                ),
            )?;
            let issues = ::jstack_runtime::__private::issues!(ok & answer, Message);
            ::jstack_runtime::__private::results::<Result<Vec<Message>>, _>()
                .reply(answer, issues)
        })
    };
}
