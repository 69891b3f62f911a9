mod chat {
    #[derive(Events)]
    pub enum Incoming {
        Message(Message),
    }
    #[derive(Events)]
    pub enum Outgoing {
        Message(Message),
    }
    #[cfg(unix)]
    #[allow(clippy::unused_async)]
    async fn message(user: User, _: Message) {}
    #[allow(clippy::unused_async)]
    async fn rest(io: Io, event: Incoming) {}
    #[allow(clippy::unused_async)]
    async fn error(socket: Socket, error: &Error) {}
    /// A connection of `chat`.
    type Socket = ::jstack_runtime::Socket<Procedure>;
    /// Emits to the connections of `chat`.
    type Io = ::jstack_runtime::Io<Procedure>;
    #[cfg(any(all(unix)))]
    type __Kept0 = User;
    #[cfg(not(any(all(unix))))]
    type __Kept0 = ();
    /// Stands for `chat` in `router![]`, `Io<chat::Procedure>` and `App::io`.
    pub(super) struct Procedure;
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
        type Session = ();
        type Extractors = (__Kept0, Io, Socket);
        async fn event(
            kept: &Self::Extractors,
            session: &mut Self::Session,
            event: Incoming,
        ) -> ::jstack_runtime::Result<::jstack_runtime::__private::EncodedReply> {
            match event {
                #[cfg(unix)]
                Incoming::Message(payload) => {
                    ::jstack_runtime::__private::unreplied(
                        ::jstack_runtime::__private::sendable(
                                message(::jstack_runtime::__private::kept(&kept.0), payload),
                            )
                            .await,
                    )
                }
                event => {
                    ::jstack_runtime::__private::unreplied(
                        ::jstack_runtime::__private::sendable(
                                rest(::jstack_runtime::__private::kept(&kept.1), event),
                            )
                            .await,
                    )
                }
            }
        }
        async fn error(
            kept: &Self::Extractors,
            session: &mut Self::Session,
            error: &::jstack_runtime::Error,
        ) -> ::jstack_runtime::Result {
            ::jstack_runtime::__private::outcome(
                ::jstack_runtime::__private::sendable(
                        error(::jstack_runtime::__private::kept(&kept.2), error),
                    )
                    .await,
            )
        }
    }
    #[automatically_derived]
    impl ::jstack_runtime::__private::Procedure<AppState> for Procedure {
        const INFO: ::jstack_runtime::__private::ProcedureInfo = ::jstack_runtime::__private::ProcedureInfo::ws::<
            Self,
        >("talk");
        const CALL: ::jstack_runtime::__private::ServeFn<AppState> = |mut cx| {
            ::std::boxed::Box::pin(async move {
                let kept: <__Handlers as ::jstack_runtime::__private::Handlers>::Extractors = (
                    cx.extract_for_socket().await?,
                    cx.extract_for_socket().await?,
                    cx.extract_for_socket().await?,
                );
                let session = ();
                cx.serve::<__Handlers>(session, kept)
            })
        };
    }
    #[cfg(unix)]
    const _: () = ::jstack_runtime::__private::no_reply::<Procedure>(&["Message"]);
}
