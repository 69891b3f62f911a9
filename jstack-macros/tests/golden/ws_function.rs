async fn chat(
    socket: Socket<chat::Procedure>,
    mut events: Receiver<chat::Procedure>,
) -> Result {
    todo.await
}
#[doc(hidden)]
mod chat {
    /// Stands for `chat` in `router![]`.
    pub(super) struct Procedure;
}
#[automatically_derived]
impl ::jstack_runtime::SocketProcedure for chat::Procedure {
    type Incoming = Chat;
    type Outgoing = Chat;
}
#[automatically_derived]
impl<
    __S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static,
> ::jstack_runtime::__private::Procedure<__S> for chat::Procedure
where
    Socket<chat::Procedure>: ::jstack_runtime::__private::SocketExtractor<__S>,
{
    const INFO: ::jstack_runtime::__private::ProcedureInfo = ::jstack_runtime::__private::ProcedureInfo::ws::<
        Self,
    >("chat");
    const CALL: ::jstack_runtime::__private::ServeFn<__S> = |mut cx| {
        ::std::boxed::Box::pin(async move {
            let kept = (cx.extract_for_socket().await?,);
            cx.run::<Self, _, _>(move |events| chat(kept.0, events))
        })
    };
}
