//! The corpus, run by the server: its application, and the client that a script describes.
//!
//! Here `dial`, `up`, `cut` and `closed` are done, `down` and `hangup` are expected, and `app` steps are
//! what the application does. What the client's application hears says nothing.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jstack_runtime::prelude::*;
use jstack_runtime::{Asked, SocketProcedure};
use jstack_tests::server::limits;
use jstack_tests::{Client, Frame};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::application::ToClient;
use crate::values::{Outcome, Variables, first, same};

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Sum {
    a: i64,
    b: i64,
}

#[derive(Clone, Debug, Events)]
pub enum Incoming {
    #[event(reply = i64)]
    Add(Sum),
    Note(Value),
    X(Value),
}

/// What the scripts' `app` steps reach of the server.
#[derive(Clone)]
struct Control {
    /// The status, code and message with which `#[connect]` fails next.
    refusal: Arc<Mutex<Option<(u16, String, String)>>>,
    arrived: mpsc::UnboundedSender<Arc<dyn Hands>>,
}

impl Control {
    fn arrive(&self, hands: impl Hands) -> Result {
        if let Some((status, code, message)) = self.refusal.lock().take() {
            let status = axum::http::StatusCode::from_u16(status).map_err(Error::internal)?;
            return Err(Error::with_code(status, code, message));
        }
        let _ = self.arrived.send(Arc::new(hands));
        Ok(())
    }
}

type Done<'a> = Pin<Box<dyn Future<Output = Result> + Send + 'a>>;

/// What an application does with one connection, whatever its procedure.
trait Hands: Send + Sync + 'static {
    fn join<'a>(&'a self, room: &'a str) -> Done<'a>;
    fn leave<'a>(&'a self, room: &'a str) -> Done<'a>;
    /// To a room; `None` is everybody.
    fn say<'a>(&'a self, room: Option<&'a str>, event: ToClient, except: bool) -> Done<'a>;
    fn emit(&self, event: ToClient) -> Done<'_>;
    fn ask(&self, event: &str, question: &Value) -> Asked<Value>;
}

struct Connected<P> {
    socket: Socket<P>,
    io: Io<P>,
}

impl<P: SocketProcedure<Outgoing = ToClient>> Hands for Connected<P> {
    fn join<'a>(&'a self, room: &'a str) -> Done<'a> {
        Box::pin(async move { self.socket.join(room).await })
    }

    fn leave<'a>(&'a self, room: &'a str) -> Done<'a> {
        Box::pin(async move { self.socket.leave(room).await })
    }

    fn say<'a>(&'a self, room: Option<&'a str>, event: ToClient, except: bool) -> Done<'a> {
        let to = match room {
            Some(room) => self.io.to(room),
            None => self.io.all(),
        };
        let to = if except { to.except(&self.socket) } else { to };
        Box::pin(to.emit(&event))
    }

    fn emit(&self, event: ToClient) -> Done<'_> {
        Box::pin(self.socket.emit().emit(&event))
    }

    fn ask(&self, event: &str, question: &Value) -> Asked<Value> {
        match event {
            "a" => self.socket.ask().a(question),
            "confirm" => self.socket.ask().confirm(question),
            other => panic!("the application has no question `{other}`"),
        }
    }
}

macro_rules! procedures {
    ($($name:ident { $($history:tt)* })*) => { $(
        #[procedure(ws, incoming = Incoming, outgoing = ToClient $($history)*)]
        pub mod $name {
            use super::*;

            #[connect]
            async fn connect(socket: Socket, io: Io, State(control): State<Control>) -> Result {
                control.arrive(Connected { socket, io })
            }

            #[refresh]
            async fn refresh(socket: Socket, Bearer(_): Bearer) -> Result {
                socket.expires_in(Duration::from_mins(10));
                Ok(())
            }

            #[on(Add)]
            async fn add(sum: Sum) -> i64 {
                sum.a + sum.b
            }

            #[on(Note)]
            async fn note(_: Value) {}

            #[on(X)]
            async fn x(_: Value) {}
        }
    )* };
}

procedures! {
    plain {}
    remembering { , history(100, "5m") }
}

/// The client of a script, and the hands of the application.
pub struct Guest {
    address: SocketAddr,
    path: &'static str,
    control: Control,
    arrived: mpsc::UnboundedReceiver<Arc<dyn Hands>>,
    variables: Variables,
    /// The head that the next `open` sends.
    more: String,
    query: String,
    client: Option<Client>,
    hands: Option<Arc<dyn Hands>>,
    asked: Option<JoinHandle<Result<Value>>>,
    serving: JoinHandle<()>,
}

impl Guest {
    /// Plays a script against a server of its own.
    pub async fn run(script: Value) -> Outcome {
        let mut guest = Self::new(&script).await;
        let played = guest.play_all(&script).await;
        guest.serving.abort();
        played
    }

    async fn new(script: &Value) -> Self {
        let (arrived_in, arrived) = mpsc::unbounded_channel();
        let control = Control { refusal: Arc::default(), arrived: arrived_in };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = Limits { rate: 100, message_bytes: 65536, ..limits() };
        let app = App::new().mount("test", router![plain, remembering]).limits(limits);
        let app = app.with_state(control.clone());
        let serving = tokio::spawn(async move {
            let _ = app.serve_on_until(listener, std::future::pending()).await;
        });
        let path = if script.to_string().contains("\"history\":true") {
            "/api/test/remembering"
        } else {
            "/api/test/plain"
        };
        Self {
            address,
            path,
            control,
            arrived,
            // The server chooses what a script gives values for the sake of clients.
            variables: Variables::default(),
            more: String::new(),
            query: String::new(),
            client: None,
            hands: None,
            asked: None,
            serving,
        }
    }

    async fn play_all(&mut self, script: &Value) -> Outcome {
        for (index, step) in script["steps"].as_array().unwrap().iter().enumerate() {
            let (verb, value) = first(step);
            let played = self.play(&verb, &value, step).await;
            played.map_err(|why| format!("step {}, {step}: {why}", index + 1))?;
        }
        self.nothing_else().await
    }

    async fn play(&mut self, verb: &str, value: &Value, step: &Value) -> Outcome {
        match verb {
            "dial" => self.dial(value),
            "open" => self.open(value.as_str().unwrap()).await?,
            "up" => {
                self.name_unknown(value);
                let text = self.variables.fill(value).to_string();
                self.client()?.text(&text).await.map_err(|error| error.to_string())?;
            }
            "down" => {
                let frame = self.frame(value).await?;
                self.covers(&frame, value)?;
            }
            "hangup" => match timeout(Duration::from_secs(2), self.client()?.next()).await {
                Ok(Frame::Close(code, _)) => same(&json!(code), &value["code"])?,
                other => return Err(format!("no close frame: {other:?}")),
            },
            "cut" => self.client = None,
            "closed" => {
                let mut client = self.client.take().ok_or("no connection")?;
                let code = value["code"].as_u64().unwrap_or(1000) as u16;
                let close = jstack_tests::client::frame(8, true, &code.to_be_bytes());
                client.send(&close).await.map_err(|error| error.to_string())?;
                match timeout(Duration::from_secs(2), client.end()).await {
                    Ok(Frame::Close(answer, _)) => same(&json!(answer), &json!(code))?,
                    other => return Err(format!("the close is not answered: {other:?}")),
                }
            }
            "wait" => sleep(Duration::from_millis(value.as_u64().unwrap())).await,
            "app" => self.act(value, step).await?,
            "call" | "result" | "event" | "gap" | "report" | "token" | "status" | "room" => {}
            other => return Err(format!("a server has no part in `{other}`")),
        }
        Ok(())
    }

    fn dial(&mut self, value: &Value) {
        let offered: Vec<_> =
            value["protocols"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        self.more = match offered.is_empty() {
            true => String::new(),
            false => format!("sec-websocket-protocol: {}\r\n", offered.join(", ")),
        };
        let query = value["query"].as_object().into_iter().flatten();
        let query: Vec<_> =
            query.map(|(name, value)| format!("{name}={}", value.as_str().unwrap())).collect();
        self.query = query.join("&");
    }

    async fn open(&mut self, selects: &str) -> Outcome {
        let path = format!("{}?{}", self.path, self.query);
        let mut client = Client::tcp(self.address).await.map_err(|error| error.to_string())?;
        let head = jstack_tests::client::handshake(&path, &self.more);
        let answer = client.ask(head.as_bytes()).await.map_err(|error| error.to_string())?;
        same(&json!(answer.status), &json!(101))?;
        let selected = answer.head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("sec-websocket-protocol").then(|| value.trim().to_owned())
        });
        same(&json!(selected.unwrap_or_default()), &json!(selects))?;
        self.client = Some(client);
        self.hands = timeout(Duration::from_millis(500), self.arrived.recv()).await.ok().flatten();
        Ok(())
    }

    async fn act(&mut self, value: &Value, step: &Value) -> Outcome {
        let text = |n: usize| value[n].as_str().unwrap_or_default();
        let what = text(0);
        if what == "refuse" {
            let status = value[1].as_u64().unwrap() as u16;
            *self.control.refusal.lock() = Some((status, text(2).into(), text(3).into()));
            return Ok(());
        }
        if what == "asked" {
            let asked = self.asked.take().ok_or("nothing was asked")?;
            let answer = timeout(Duration::from_secs(2), asked).await.map_err(|_| "no answer")?;
            let answer = match answer.unwrap() {
                Ok(answer) => json!({ "ok": answer }),
                Err(error) => json!({ "error": error.code() }),
            };
            return same(&answer, &value[1]);
        }
        let hands = self.hands.clone().ok_or("nobody is connected")?;
        match what {
            "join" => hands.join(text(1)).await,
            "leave" => hands.leave(text(1)).await,
            "say" => {
                let event = event(text(2), &value[3]);
                hands.say(value[1].as_str(), event, step["except"] == true).await
            }
            "emit" => hands.emit(event(text(1), &value[2])).await,
            "ask" => {
                self.asked = Some(tokio::spawn(hands.ask(text(1), &value[2])));
                Ok(())
            }
            other => return Err(format!("the application does not know `{other}`")),
        }
        .map_err(|error| format!("{error}: {error:?}"))
    }

    /// The next frame; the room of everybody is passed over, unless the script is about it.
    async fn frame(&mut self, wanted: &Value) -> Outcome<Value> {
        loop {
            let text = timeout(Duration::from_secs(2), self.client()?.next_text()).await;
            let text = text.map_err(|_| "no frame came")?;
            let frame: Value = serde_json::from_str(&text).map_err(|_| format!("got `{text}`"))?;
            let everybody = |frame: &Value| frame[0] == "$room" && frame[1]["r"].is_null();
            if !everybody(&frame) || everybody(wanted) {
                return Ok(frame);
            }
        }
    }

    async fn nothing_else(&mut self) -> Outcome {
        let Some(client) = &mut self.client else { return Ok(()) };
        match timeout(Duration::from_millis(50), client.next()).await {
            Ok(Frame::Text(text)) if !text.starts_with("[\"$room\",{\"r\":null") => {
                Err(format!("left over: {text}"))
            }
            _ => Ok(()),
        }
    }

    /// Equal, but for keys of objects that the script does not name: clients pass over those.
    fn covers(&mut self, actual: &Value, wanted: &Value) -> Outcome {
        self.variables.bind(actual, wanted);
        covers(actual, &self.variables.fill(wanted))
    }

    /// Ids of requests are the client's to make.
    fn name_unknown(&mut self, wanted: &Value) {
        let id = json!(format!("id-{}", self.variables.0.len()));
        self.variables.bind(&json!([null, null, { "i": id }]), &json!([null, null, wanted[2]]));
    }

    fn client(&mut self) -> Outcome<&mut Client> {
        self.client.as_mut().ok_or_else(|| "no connection".to_owned())
    }
}

fn covers(actual: &Value, wanted: &Value) -> Outcome {
    match (actual, wanted) {
        (Value::Array(actual), Value::Array(wanted)) if actual.len() == wanted.len() => {
            actual.iter().zip(wanted).try_for_each(|(actual, wanted)| covers(actual, wanted))
        }
        (Value::Object(actual), Value::Object(wanted)) => {
            wanted.iter().try_for_each(|(key, wanted)| {
                covers(actual.get(key).ok_or_else(|| format!("`{key}` is missing"))?, wanted)
            })
        }
        _ => same(actual, wanted),
    }
}

fn event(name: &str, data: &Value) -> ToClient {
    let data = data.clone();
    match name {
        "a" => ToClient::A(data),
        "b" => ToClient::B(data),
        "c" => ToClient::C(data),
        other => panic!("the application has no event `{other}`"),
    }
}
