/// Emits the events of [`Chat`], each by a method of its own.
#[must_use = "an emitter does nothing until an event is emitted"]
pub struct ChatEmitter<'a>(::jstack_runtime::__private::Target<'a>);
impl<'a> ChatEmitter<'a> {
    /// Adds the members of `room`.
    pub fn to(
        self,
        room: impl ::core::convert::Into<::std::borrow::Cow<'a, str>>,
    ) -> Self {
        Self(self.0.to(room))
    }
    /// Leaves `socket` out.
    pub fn except(
        self,
        socket: impl ::core::convert::AsRef<::jstack_runtime::SocketId>,
    ) -> Self {
        Self(self.0.except(socket))
    }
    /// Leaves the members of `room` out.
    pub fn except_room(
        self,
        room: impl ::core::convert::Into<::std::borrow::Cow<'a, str>>,
    ) -> Self {
        Self(self.0.except_room(room))
    }
    /// Closes every connection that is selected, in every process.
    pub fn close(
        self,
        code: u16,
        reason: impl ::core::convert::Into<::std::borrow::Cow<'a, str>>,
    ) -> ::jstack_runtime::EmitFuture {
        self.0.close(code, reason)
    }
    /// Emits any event.
    pub fn emit(self, event: &Chat) -> ::jstack_runtime::EmitFuture {
        ::jstack_runtime::Events::emit(event, self)
    }
    /// Emits `message`: One chat message.
    pub fn message(self, payload: &Message) -> ::jstack_runtime::EmitFuture {
        self.0.send(&<Chat as ::jstack_runtime::Events>::TABLE.message, payload)
    }
    /// Emits `userTyping`.
    pub fn user_typing(self, payload: &Typing) -> ::jstack_runtime::EmitFuture {
        self.0.send(&<Chat as ::jstack_runtime::Events>::TABLE.user_typing, payload)
    }
    #[cfg(feature = "clear")]
    /// Emits `type`.
    pub fn r#type(self, payload: &()) -> ::jstack_runtime::EmitFuture {
        self.0.send(&<Chat as ::jstack_runtime::Events>::TABLE.r#type, payload)
    }
}
#[doc(hidden)]
pub struct ChatTable {
    pub message: ::jstack_runtime::__private::Event<Message, Chat>,
    pub user_typing: ::jstack_runtime::__private::Event<Typing, Chat>,
    #[cfg(feature = "clear")]
    pub r#type: ::jstack_runtime::__private::Event<(), Chat>,
}
#[automatically_derived]
impl ::jstack_runtime::Events for Chat {
    type Emitter<'a> = ChatEmitter<'a>;
    type Asker<'a> = ::jstack_runtime::__private::NoQuestions;
    type Replier<'a> = ::jstack_runtime::__private::NoReplies;
    type Requester<'a> = ::jstack_runtime::__private::NoRequests;
    type Table = ChatTable;
    const TABLE: ChatTable = ChatTable {
        message: ::jstack_runtime::__private::Event::new("message", Chat::Message)
            .docs("One chat message."),
        user_typing: ::jstack_runtime::__private::Event::new(
            "userTyping",
            Chat::UserTyping,
        ),
        #[cfg(feature = "clear")]
        r#type: ::jstack_runtime::__private::Event::new("type", Chat::Type),
    };
    const EVENTS: &'static [&'static dyn ::jstack_runtime::__private::AnyEvent<Self>] = &[
        &Self::TABLE.message,
        &Self::TABLE.user_typing,
        #[cfg(feature = "clear")]
        &Self::TABLE.r#type,
    ];
    fn emitter(target: ::jstack_runtime::__private::Target<'_>) -> ChatEmitter<'_> {
        ChatEmitter(target)
    }
    fn asker(
        _: ::jstack_runtime::__private::Question<'_>,
    ) -> ::jstack_runtime::__private::NoQuestions {
        ::jstack_runtime::__private::NoQuestions
    }
    fn replier(
        _: ::jstack_runtime::__private::Replier<'_>,
    ) -> ::jstack_runtime::__private::NoReplies {
        ::jstack_runtime::__private::NoReplies
    }
    fn requester(
        _: ::jstack_runtime::__private::Request<'_>,
    ) -> ::jstack_runtime::__private::NoRequests {
        ::jstack_runtime::__private::NoRequests
    }
    fn emit(&self, emitter: Self::Emitter<'_>) -> ::jstack_runtime::EmitFuture {
        match self {
            Self::Message(payload) => emitter.message(payload),
            Self::UserTyping(payload) => emitter.user_typing(payload),
            #[cfg(feature = "clear")]
            Self::Type(payload) => emitter.r#type(payload),
        }
    }
}
