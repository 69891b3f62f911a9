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
    /// Emits any event.
    pub fn emit(self, event: &Chat) -> ::jstack_runtime::EmitFuture {
        ::jstack_runtime::Events::emit(event, self)
    }
    /// Emits `message`: One chat message.
    pub fn message(self, payload: &Message) -> ::jstack_runtime::EmitFuture {
        self.0
            .send(
                &::jstack_runtime::__private::Event::new("message", Chat::Message),
                payload,
            )
    }
    /// Emits `userTyping`.
    pub fn user_typing(self, payload: &Typing) -> ::jstack_runtime::EmitFuture {
        self.0
            .send(
                &::jstack_runtime::__private::Event::new("userTyping", Chat::UserTyping),
                payload,
            )
    }
    #[cfg(feature = "clear")]
    /// Emits `type`.
    pub fn r#type(self, payload: &()) -> ::jstack_runtime::EmitFuture {
        self.0
            .send(&::jstack_runtime::__private::Event::new("type", Chat::Type), payload)
    }
}
#[automatically_derived]
impl ::jstack_runtime::Events for Chat {
    type Emitter<'a> = ChatEmitter<'a>;
    const EVENTS: &'static [&'static dyn ::jstack_runtime::__private::AnyEvent<Self>] = &[
        &::jstack_runtime::__private::Event::new("message", Chat::Message)
            .docs("One chat message."),
        &::jstack_runtime::__private::Event::new("userTyping", Chat::UserTyping),
        #[cfg(feature = "clear")]
        &::jstack_runtime::__private::Event::new("type", Chat::Type),
    ];
    fn emitter(target: ::jstack_runtime::__private::Target<'_>) -> ChatEmitter<'_> {
        ChatEmitter(target)
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
