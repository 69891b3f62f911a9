fn main() -> ::std::process::ExitCode {
    async fn main() -> Result<(), BoxError> {
        App::new().run().await
    }
    ::jstack_runtime::__private::main(
        ::core::option::Option::Some(4u16),
        || ::std::boxed::Box::pin(async {
            ::jstack_runtime::__private::exit_code(main().await)
        }),
    )
}
