//! Errors of the application: types that convert, types that choose their status, boxed ones.

use crate::*;

/// An error that could be an answer itself.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Refused {
    why: String,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::forbidden(refused.why)
    }
}

#[procedure(get)]
pub(crate) async fn refused() -> Result<u32, Refused> {
    Err(Refused { why: "not today".into() })
}

#[test]
fn an_error_that_serializes_is_an_error_all_the_same() {
    let contract = App::<()>::new().mount("a", router![refused]).describe();
    assert!(!format!("{contract:?}").contains("Refused"), "{contract:?}");
}

#[test]
fn a_router_without_a_name_stands_at_the_base_path() {
    let contract = App::new().mount("", router![refused]).with_state::<()>(()).describe();
    let paths: Vec<_> =
        contract.procedures().iter().map(|procedure| procedure.path.as_str()).collect();
    assert_eq!(paths, ["refused"]);
}

#[tokio::test]
async fn a_program_may_return_any_boxed_error() {
    async fn shared() -> Result<(), BoxError> {
        Err(Error::not_found("no such room"))?
    }
    async fn local() -> Result<(), Box<dyn std::error::Error>> {
        Err(Error::not_found("no such room"))?
    }
    assert_eq!(shared().await.expect_err("it fails").to_string(), "no such room");
    assert_eq!(local().await.expect_err("it fails").to_string(), "no such room");
}

/// Error types as `thiserror` writes them.
mod failures {
    use std::fmt;

    use axum::http::Request;
    use jstack_runtime::Failure;
    use tower::ServiceExt as _;

    use super::*;

    #[derive(Debug)]
    pub struct Gone;

    /// One that says nothing of its own.
    #[derive(Debug)]
    pub struct Silent;

    impl fmt::Display for Gone {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("it was there once")
        }
    }

    impl fmt::Display for Silent {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a secret")
        }
    }

    impl std::error::Error for Gone {}
    impl std::error::Error for Silent {}

    impl Failure for Gone {
        fn into_error(self) -> Error {
            let after = std::time::Duration::from_millis(2500);
            Error::with_code(axum::http::StatusCode::GONE, "long_gone", self.to_string())
                .retry_after(after)
        }
    }

    type Found<T> = std::result::Result<T, Gone>;

    #[procedure(get)]
    async fn written() -> Result<u32, Gone> {
        Err(Gone)
    }

    #[procedure(post)]
    async fn by_an_alias() -> Found<u32> {
        Err(Gone)
    }

    #[procedure(get)]
    async fn silent() -> Result<u32, Silent> {
        Err(Silent)
    }

    #[procedure(get)]
    async fn converted() -> Result<u32> {
        let found = written().await.map_err(Failure::into_error)?;
        Ok(found + 1)
    }

    #[procedure(get)]
    async fn boxed() -> Result<u32> {
        fn read() -> Result<u32, BoxError> {
            Err("a secret".into())
        }
        Ok(read().map_err(Error::internal)? + 1)
    }

    #[procedure(ws, incoming = Chat, outgoing = Chat)]
    mod chat {
        use super::*;

        #[connect]
        async fn connect() -> Result<(), Gone> {
            Err(Gone)
        }

        #[on(Text)]
        async fn text(_: Text) -> Result<(), Gone> {
            Err(Gone)
        }

        #[fallback]
        async fn rest(_: Incoming) -> Found<()> {
            Err(Gone)
        }
    }

    #[procedure(ws, incoming = Chat, outgoing = Chat)]
    async fn looped(mut events: Receiver<looped::Procedure>) -> Result<(), Gone> {
        while let Ok(Some(_)) = events.recv().await {}
        Err(Gone)
    }

    #[tokio::test]
    async fn an_error_of_the_application_chooses_its_status() {
        let router = router![written, by_an_alias, silent, converted, boxed, chat, looped];
        let app = App::new().mount("a", router).into_router();
        for (method, name, status) in [
            ("GET", "written", 410),
            ("POST", "byAnAlias", 410),
            ("GET", "silent", 500),
            ("GET", "converted", 410),
            ("GET", "boxed", 500),
        ] {
            let request = Request::builder().method(method).uri(format!("/api/a/{name}"));
            let request = request.body(axum::body::Body::empty()).expect("a request");
            let answer = app.clone().oneshot(request).await.expect("an answer");
            assert_eq!(answer.status(), status, "{name}");
            let after = answer.headers().get("retry-after").map(|after| after.as_bytes());
            assert_eq!(after, (status == 410).then_some(b"3".as_slice()), "{name}");
        }
    }
}
