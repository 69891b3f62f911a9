/// The room of the house.
pub mod chat {
    use super::*;
    /// Lives as long as the connection.
    pub struct Session {
        user: User,
        sent: u64,
    }
    async fn connect(
        socket: Socket,
        user: User,
        Query(q): Query<Join>,
    ) -> Result<Session> {
        todo.await
    }
    async fn message(
        session: &mut Session,
        io: Io,
        State(db): State<Db>,
        message: Message,
    ) -> Result {
        todo.await
    }
    async fn typing(socket: Socket, io: Io, typing: Typing) -> Result {
        todo.await
    }
    #[allow(clippy::ignored_unit_patterns)]
    async fn cleared(io: Io, _: ()) -> Result {
        io.all().cleared(&()).await
    }
    async fn disconnect(session: Session, reason: CloseReason) {
        todo.await
    }
    /// What clients of `chat` send.
    type Incoming = Chat;
    /// What clients of `chat` get.
    type Outgoing = Chat;
    /// A connection of `chat`.
    type Socket = ::jstack_runtime::Socket<Procedure>;
    /// Emits to the connections of `chat`.
    type Io = ::jstack_runtime::Io<Procedure>;
    /// Stands for `chat` in `router![]`, `Io<chat::Procedure>` and `App::io`.
    pub struct Procedure;
    #[automatically_derived]
    impl ::jstack_runtime::SocketProcedure for Procedure {
        type Incoming = Incoming;
        type Outgoing = Outgoing;
    }
    /// Private, so that the session and the extractors may be.
    struct __Handlers;
    #[automatically_derived]
    impl ::jstack_runtime::SocketProcedure for __Handlers {
        type Incoming = Incoming;
        type Outgoing = Outgoing;
    }
    #[automatically_derived]
    impl ::jstack_runtime::__private::Handlers for __Handlers {
        type Session = Session;
        type Extractors = (Io, State<Db>, Socket);
        async fn event(
            kept: &Self::Extractors,
            session: &mut Self::Session,
            event: Incoming,
        ) -> ::jstack_runtime::Result<::jstack_runtime::__private::EncodedReply> {
            match event {
                Incoming::Message(payload) => {
                    ::jstack_runtime::__private::unreplied(
                        ::jstack_runtime::__private::sendable(
                                message(
                                    session,
                                    ::jstack_runtime::__private::kept(&kept.0),
                                    ::jstack_runtime::__private::kept(&kept.1),
                                    payload,
                                ),
                            )
                            .await,
                    )
                }
                Incoming::Typing(payload) => {
                    ::jstack_runtime::__private::unreplied(
                        ::jstack_runtime::__private::sendable(
                                typing(
                                    ::jstack_runtime::__private::kept(&kept.2),
                                    ::jstack_runtime::__private::kept(&kept.0),
                                    payload,
                                ),
                            )
                            .await,
                    )
                }
                Incoming::Cleared(payload) => {
                    ::jstack_runtime::__private::unreplied(
                        ::jstack_runtime::__private::sendable(
                                cleared(::jstack_runtime::__private::kept(&kept.0), payload),
                            )
                            .await,
                    )
                }
            }
        }
        async fn disconnect(
            kept: Self::Extractors,
            session: Self::Session,
            reason: ::jstack_runtime::CloseReason,
        ) -> ::jstack_runtime::Result {
            ::jstack_runtime::__private::outcome(
                ::jstack_runtime::__private::sendable(disconnect(session, reason)).await,
            )
        }
    }
    #[automatically_derived]
    impl<
        __S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static,
    > ::jstack_runtime::__private::Procedure<__S> for Procedure
    where
        Io: ::jstack_runtime::__private::SocketExtractor<__S>,
        State<Db>: ::jstack_runtime::__private::SocketExtractor<__S>,
        Socket: ::jstack_runtime::__private::SocketExtractor<__S>,
        User: ::jstack_runtime::__private::SocketExtractor<__S>,
        Query<Join>: ::jstack_runtime::__private::SocketExtractor<__S>,
    {
        const INFO: ::jstack_runtime::__private::ProcedureInfo = ::jstack_runtime::__private::ProcedureInfo::ws::<
            Self,
        >("chat")
            .docs("The room of the house.")
            .params(&[::jstack_runtime::__private::params!(Join, false)]);
        const CALL: ::jstack_runtime::__private::ServeFn<__S> = |mut cx| {
            ::std::boxed::Box::pin(async move {
                let kept: <__Handlers as ::jstack_runtime::__private::Handlers>::Extractors = (
                    cx.extract_for_socket().await?,
                    cx.extract_for_socket().await?,
                    cx.extract_for_socket().await?,
                );
                let outcome = ::jstack_runtime::__private::refused(
                    ::jstack_runtime::__private::chosen!(
                        ::jstack_runtime::__private::sendable(connect(::jstack_runtime::__private::kept(&
                        kept.2), cx.extract_for_socket(). await ?, cx
                        .extract_for_socket(). await ?)). await
                    ),
                )?;
                let session = cx.connected::<Session, _>(outcome)?;
                cx.serve::<__Handlers>(session, kept)
            })
        };
    }
    const _: () = ::jstack_runtime::__private::no_reply::<Procedure>(&["Message"]);
    const _: () = ::jstack_runtime::__private::no_reply::<Procedure>(&["Typing"]);
    const _: () = ::jstack_runtime::__private::no_reply::<Procedure>(&["Cleared"]);
}
