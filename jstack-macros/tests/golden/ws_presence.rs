mod chat {
    async fn connect(user: User) -> Result<Session> {
        todo.await
    }
    fn member(session: &Session) -> Member<Profile> {
        todo
    }
    #[allow(clippy::unused_async)]
    async fn message(_: Message) {}
    /// What clients of `chat` send.
    type Incoming = Chat;
    /// What clients of `chat` get.
    type Outgoing = Chat;
    /// A connection of `chat`.
    type Socket = ::jstack_runtime::Socket<Procedure>;
    /// Emits to the connections of `chat`.
    type Io = ::jstack_runtime::Io<Procedure>;
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
        type Session = Session;
        type Extractors = ();
        async fn event(
            kept: &Self::Extractors,
            session: &mut Self::Session,
            event: Incoming,
        ) -> ::jstack_runtime::Result<::jstack_runtime::__private::EncodedReply> {
            match event {
                Incoming::Message(payload) => {
                    ::jstack_runtime::__private::unreplied(
                        ::jstack_runtime::__private::sendable(message(payload)).await,
                    )
                }
                _ if false => ::core::unreachable!(),
            }
        }
        fn member(
            session: &Self::Session,
        ) -> ::core::option::Option<::jstack_runtime::__private::EncodedMember> {
            ::core::option::Option::Some(
                ::jstack_runtime::__private::member::<Procedure>(member(session)),
            )
        }
    }
    #[automatically_derived]
    impl ::jstack_runtime::__private::PresenceProcedure for Procedure {
        type Status = Status;
        type Info = Profile;
        const STATUS: ::jstack_runtime::__private::Shown<Status> = ::jstack_runtime::__private::shown::<
            Status,
        >();
        const INFO: ::jstack_runtime::__private::Shown<Profile> = ::jstack_runtime::__private::shown::<
            Profile,
        >();
    }
    #[automatically_derived]
    impl<
        __S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static,
    > ::jstack_runtime::__private::Procedure<__S> for Procedure
    where
        User: ::jstack_runtime::__private::SocketExtractor<__S>,
    {
        const INFO: ::jstack_runtime::__private::ProcedureInfo = ::jstack_runtime::__private::ProcedureInfo::ws::<
            Self,
        >("chat")
            .presence::<Self>();
        const CALL: ::jstack_runtime::__private::ServeFn<__S> = |mut cx| {
            ::std::boxed::Box::pin(async move {
                let kept: <__Handlers as ::jstack_runtime::__private::Handlers>::Extractors = ();
                let outcome = ::jstack_runtime::__private::refused(
                    ::jstack_runtime::__private::chosen!(
                        ::jstack_runtime::__private::sendable(connect(cx
                        .extract_for_socket(). await ?)). await
                    ),
                )?;
                let session = cx.connected::<Session, _>(outcome)?;
                cx.serve::<__Handlers>(session, kept)
            })
        };
    }
    const _: () = ::jstack_runtime::__private::no_reply::<Procedure>(&["Message"]);
}
