//! Plays one script: the server's side over a socket, the application's side on the client.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jstack_runtime::__private::Shown;
use jstack_runtime::client::{
    Client, Dial, Incoming, Position, PresenceChange, Sender, Status, TokenReason, Watch,
};
use jstack_runtime::prelude::*;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::scripted::{Connection, Handshake, dial};

type Outcome<T = ()> = std::result::Result<T, String>;

macro_rules! events {
    ($($variant:ident $method:ident $name:literal,)*) => {
        /// Every event that the corpus' application sends.
        #[derive(Clone, Debug, Events)]
        pub enum ToServer { $( #[event(reply = Value)] $variant(Value), )* }

        fn emit(chat: &Sender<Script>, name: &str, data: &Value) -> jstack_runtime::EmitFuture {
            match name {
                $( $name => chat.emit().$method(data), )*
                other => panic!("the runner has no event `{other}`"),
            }
        }

        fn emitted(emit: <ToServer as jstack_runtime::Events>::Emitter<'_>, name: &str, data: &Value) -> jstack_runtime::EmitFuture {
            match name {
                $( $name => emit.$method(data), )*
                other => panic!("the runner has no event `{other}`"),
            }
        }

        fn request(chat: &Sender<Script>, name: &str, data: &Value, within: Option<Duration>) -> jstack_runtime::Asked<Value> {
            let request = match within {
                Some(within) => chat.request_within(within),
                None => chat.request(),
            };
            match name {
                $( $name => request.$method(data), )*
                other => panic!("the runner has no event `{other}`"),
            }
        }
    };
}

events! {
    Hello hello "hello", X x "x", Y y "y", Cursor cursor "cursor", Pos pos "pos", Zoom zoom "zoom",
    Bad bad "bad", Add add "add", Note note "note", A1 a1 "a1", A2 a2 "a2", Slow slow "slow",
}

/// What the corpus' application listens to.
#[derive(Clone, Debug, Events)]
pub enum ToClient {
    #[event(ask = Value)]
    A(Value),
    B(Value),
    C(Value),
    #[event(ask = Value)]
    Confirm(Value),
}

pub struct Script;

impl jstack_runtime::SocketProcedure for Script {
    type Incoming = ToServer;
    type Outgoing = ToClient;
}

impl jstack_runtime::PresenceProcedure for Script {
    type Status = Value;
    type Info = Value;
    const STATUS: Shown<Value> = jstack_runtime::__private::shown();
    const INFO: Shown<Value> = jstack_runtime::__private::shown();
}

pub struct Player {
    listener: TcpListener,
    variables: BTreeMap<String, Value>,
    tokens: Arc<Mutex<VecDeque<Value>>>,
    asked: mpsc::UnboundedReceiver<&'static str>,
    heard: mpsc::UnboundedReceiver<Value>,
    reports: mpsc::UnboundedReceiver<Value>,
    /// What `emit` refuses is reported as well.
    report: mpsc::UnboundedSender<Value>,
    hear: mpsc::UnboundedSender<Value>,
    dial: Option<Dial<Script>>,
    chat: Option<Sender<Script>>,
    handshake: Option<Handshake>,
    connection: Option<Connection>,
    results: BTreeMap<String, JoinHandle<Result<Value>>>,
    watch: Option<Watch<Script>>,
    changes: mpsc::UnboundedReceiver<Value>,
    change: mpsc::UnboundedSender<Value>,
}

impl Player {
    pub async fn run(script: Value) -> Outcome {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut player = Self::new(listener, &script);
        for (index, step) in script["steps"].as_array().unwrap().iter().enumerate() {
            let (verb, value) = first(step);
            let played = player.play(&verb, &value, step).await;
            played.map_err(|why| format!("step {}, {step}: {why}", index + 1))?;
        }
        sleep(Duration::from_millis(20)).await;
        player.nothing_else()
    }

    fn new(listener: TcpListener, script: &Value) -> Self {
        let options = &script["options"];
        let base = format!("http://{}/test", listener.local_addr().unwrap());
        let tokens: VecDeque<Value> =
            options["tokens"].as_array().cloned().unwrap_or_default().into();
        let tokens = Arc::new(Mutex::new(tokens));
        let (ask, asked) = mpsc::unbounded_channel();
        let mut client = Client::new(&base).unwrap();
        if let Some(token) = options["token"].as_str() {
            client = client.bearer(token);
        } else if options["tokens"].is_array() {
            let tokens = tokens.clone();
            client = client.token(move |reason| {
                let _ = ask.send(named(reason));
                let next = tokens.lock().pop_front().expect("a token more than the script has");
                async move {
                    match next {
                        Value::Null => Ok(None),
                        Value::String(token) => Ok(Some(token)),
                        failed => Err(Error::service_unavailable(failed["error"].to_string())),
                    }
                }
            });
        }
        let ms = |value: &Value| value.as_u64().map(Duration::from_millis);
        let pair = |value: &Value, default: (u64, u64)| {
            let at = |n: usize, or| value[n].as_u64().unwrap_or(or);
            (Duration::from_millis(at(0, default.0)), Duration::from_millis(at(1, default.1)))
        };
        let (first, longest) = pair(&options["backoff"], (1, 20));
        let mut dial = client.ws::<Script>("socket").backoff(first, longest);
        if let Some(time) = ms(&options["requestTimeout"]) {
            dial = dial.request_timeout(time);
        }
        if let Some(time) = ms(&options["connectTimeout"]) {
            dial = dial.connect_timeout(time);
        }
        if options["heartbeat"].is_array() {
            let (silence, patience) = pair(&options["heartbeat"], (0, 0));
            dial = dial.heartbeat(silence, patience);
        }
        if let (Some(most), Some(age)) = (options["queue"][0].as_u64(), ms(&options["queue"][1])) {
            dial = dial.queue(most as usize, age);
        }
        if options["profile"] == "base" {
            dial = dial.base_profile();
        }
        if script["params"].is_object() {
            dial = dial.params(&script["params"]);
        }
        let (hear, heard) = mpsc::unbounded_channel();
        let (report, reports) = mpsc::unbounded_channel();
        let (change, changes) = mpsc::unbounded_channel();
        let variables = script["let"].as_object().into_iter().flatten();
        let variables =
            variables.map(|(name, value)| (format!("<{name}>"), value.clone())).collect();
        Self {
            listener,
            variables,
            tokens,
            asked,
            heard,
            reports,
            report,
            hear,
            dial: Some(dial),
            chat: None,
            handshake: None,
            connection: None,
            results: BTreeMap::new(),
            watch: None,
            changes,
            change,
        }
    }

    async fn play(&mut self, verb: &str, value: &Value, step: &Value) -> Outcome {
        match verb {
            "dial" => self.expect_dial(value, step).await?,
            "open" => {
                let handshake = self.handshake.take().ok_or("no dial")?;
                self.connection = Some(handshake.open(value.as_str().unwrap()).await);
            }
            "refuse" => {
                self.handshake.take().ok_or("no dial")?.refuse(value.as_u64().unwrap()).await
            }
            "down" => {
                let text = self.fill(value).to_string();
                self.connection()?.send(text);
            }
            "raw" => self.connection()?.send(value.as_str().unwrap().to_owned()),
            "up" => {
                let frames = &mut self.connection()?.frames;
                let frame = next(frames, "a frame").await?;
                self.matches(&frame, value)?;
            }
            "hangup" => {
                let (code, reason) = (value["code"].as_u64().unwrap(), value["reason"].as_str());
                self.connection()?.close(code as u16, reason.unwrap_or_default());
            }
            "cut" => self.connection()?.cut(),
            "closed" => {
                let code = self.connection()?.closed().await?;
                includes(&json!({ "code": code }), value)?;
            }
            "call" => self.call(value, step).await?,
            "result" => self.expect_result(value, step).await?,
            "event" if value[0] == "error" => {
                let report = next(&mut self.reports, "an error event").await?;
                for key in ["event", "code", "message"] {
                    same(&report[key], &value[1][key])?;
                }
            }
            "event" => {
                let heard = next(&mut self.heard, "an event").await?;
                same(&heard["event"], &self.fill(value))?;
                if let Some(meta) = step.get("meta") {
                    includes(&heard["meta"], &self.fill(meta))?;
                }
            }
            "gap" => includes(&next(&mut self.heard, "a gap").await?["gap"], value)?,
            "report" => includes(&next(&mut self.reports, "a report").await?, value)?,
            "token" => {
                let asked = timeout(Duration::from_secs(2), self.asked.recv()).await;
                same(&json!(asked.map_err(|_| "no token is asked for")?), value)?;
            }
            "status" => {
                let chat = self.chat()?.clone();
                soon(|| includes(&shown(&chat.status()), value)).await?;
            }
            "room" => {
                let room = self.chat()?.room(value.as_str().unwrap());
                let is = self.fill(&step["is"]);
                let at = |at: Option<Position>| at.as_ref().map(place);
                let look =
                    || json!({ "joined": room.is_joined(), "position": at(room.position()) });
                soon(|| includes(&look(), &is)).await?;
            }
            "presence" => {
                let is = &step["is"];
                // Without one who watches there is nobody to ask.
                if let Some(watch) = &self.watch {
                    soon(|| includes(&who(watch), is)).await?;
                }
                for wanted in step["changes"].as_array().into_iter().flatten() {
                    same(&next(&mut self.changes, "a change").await?, wanted)?;
                }
            }
            "wait" => sleep(Duration::from_millis(value.as_u64().unwrap())).await,
            "app" => {}
            other => return Err(format!("no such step: {other}")),
        }
        Ok(())
    }

    async fn expect_dial(&mut self, value: &Value, step: &Value) -> Outcome {
        let after = |n: usize, or| step["after"][n].as_u64().unwrap_or(or);
        let (least, most) = (after(0, 0), after(1, 3000));
        let began = Instant::now();
        let handshake = dial(&self.listener, most).await?;
        let ms = began.elapsed().as_millis() as u64;
        if ms + 5 < least {
            return Err(format!("dialled after {ms} ms"));
        }
        same(&json!(handshake.offered), &value["protocols"])?;
        let query: BTreeMap<_, _> = handshake.query.iter().cloned().collect();
        let wanted = if value["query"].is_object() { value["query"].clone() } else { json!({}) };
        same(&json!(query), &wanted)?;
        self.handshake = Some(handshake);
        Ok(())
    }

    async fn call(&mut self, value: &Value, step: &Value) -> Outcome {
        let (what, args) = (value[0].as_str().unwrap(), [&value[1], &value[2], &value[3]]);
        let name = args[0].as_str().unwrap_or_default().to_owned();
        let result = step["as"].as_str().map(str::to_owned);
        if self.chat.is_none() && ["watch", "state"].contains(&what) {
            self.open();
        }
        let keep = |task: JoinHandle<Result<Value>>| {
            if let Some(name) = result {
                self.results.insert(name, task);
            }
        };
        match what {
            "watch" => self.watch = Some(self.chat()?.presence(name).watch()),
            "unwatch" => self.watch = None,
            "presence changes" => {
                let presence = self.chat()?.presence(name);
                let (mut watch, change) = (presence.watch(), self.change.clone());
                self.watch = Some(presence.watch());
                tokio::spawn(async move {
                    while let Some(next) = watch.next().await {
                        let _ = match next {
                            PresenceChange::Joined(member) => {
                                change.send(format!("join {}", member.key).into())
                            }
                            PresenceChange::Left(member) => {
                                change.send(format!("leave {}", member.key).into())
                            }
                            PresenceChange::Updated(member) => {
                                change.send(format!("update {}", member.key).into())
                            }
                            _ => Ok(()),
                        };
                    }
                });
            }
            "state" => self.chat()?.presence(name).set(args[1]).unwrap(),
            "clear state" => self.chat()?.presence(name).clear(),
            "emit on connect" => {
                let (dial, data) = (self.dial.take().ok_or("it is open already")?, args[1].clone());
                self.dial = Some(dial.on_open(move |emit| emitted(emit, &name, &data)));
            }
            "connect" => match &self.chat {
                Some(chat) => chat.reconnect(),
                None => self.open(),
            },
            "close" => self.chat()?.close(1000, ""),
            "emit" => self.emit(&name, args[1], &step["returns"]).await?,
            "request" => {
                let within = args[2]["timeout"].as_u64().map(Duration::from_millis);
                keep(tokio::spawn(request(self.chat.as_ref().unwrap(), &name, args[1], within)));
                // It is on its way before the next step.
                tokio::task::yield_now().await;
            }
            "refresh" => {
                let chat = self.chat.clone().unwrap();
                keep(tokio::spawn(async move {
                    chat.refresh().await;
                    Ok(Value::Null)
                }));
            }
            "history" => {
                let (room, range) = (self.chat.as_ref().unwrap().room(name), args[1].clone());
                keep(tokio::spawn(async move {
                    let limit = range["limit"].as_u64().unwrap_or(50) as u32;
                    let page = match range["before"].as_object() {
                        Some(before) => {
                            let epoch = before["epoch"].as_str().unwrap();
                            let before = Position::new(epoch, before["offset"].as_u64().unwrap());
                            room.history_before(&before, limit).await?
                        }
                        None => room.history(limit).await?,
                    };
                    let items = page.items.iter().map(|past| {
                        let event = event(&past.event);
                        let time: chrono::DateTime<chrono::Utc> = past.time.into();
                        let time = time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
                        json!({ "event": event[0], "data": event[1], "at": place(&past.at), "time": time })
                    });
                    Ok(json!({ "more": page.more, "items": items.collect::<Vec<_>>() }))
                }));
            }
            "answer" => {
                let answer = args[1].clone();
                let answer = move |_: Value| {
                    let answer = answer.clone();
                    async move {
                        match answer["error"].as_str() {
                            Some(text) => Err(Error::internal(text.to_owned())),
                            None => Ok(answer["ok"].clone()),
                        }
                    }
                };
                match &*name {
                    "a" => self.chat()?.on_ask(|events| &events.a, answer),
                    "confirm" => self.chat()?.on_ask(|events| &events.confirm, answer),
                    other => return Err(format!("the runner has no question `{other}`")),
                }
            }
            other => return Err(format!("no such call: {other}")),
        }
        Ok(())
    }

    async fn emit(&mut self, name: &str, data: &Value, returns: &Value) -> Outcome {
        let result = emit(self.chat()?, name, data).await;
        // Volatile events are there to be dropped, which is `Ok`.
        if returns.is_boolean() && name != "cursor" {
            same(&json!(result.is_ok()), returns)?;
        }
        if let Err(error) = result {
            let _ = self.report.send(failed(Some(name), &error));
        }
        Ok(())
    }

    fn open(&mut self) {
        let mut chat = self.dial.take().expect("opened once").open().unwrap();
        self.chat = Some(chat.sender());
        let (hear, report) = (self.hear.clone(), self.report.clone());
        tokio::spawn(async move {
            loop {
                let _ = match chat.next().await {
                    Some(Incoming::Event(heard, meta)) => {
                        let at = meta.at.as_ref().map(place);
                        let mut meta = json!({ "room": meta.room, "replayed": meta.replayed });
                        meta["at"] = json!(at);
                        hear.send(json!({ "event": event(&heard), "meta": meta }))
                    }
                    Some(Incoming::Gap(gap)) => {
                        let reason = gap.reason.as_str();
                        let gap =
                            json!({ "room": gap.room, "reason": reason, "missed": gap.missed });
                        hear.send(json!({ "gap": gap }))
                    }
                    Some(Incoming::Error { event, error, .. }) => {
                        report.send(failed(event.as_deref(), &error))
                    }
                    // Closed; it may be opened again.
                    _ if hear.is_closed() => return,
                    _ => {
                        chat.status_changed().await;
                        Ok(())
                    }
                };
            }
        });
    }

    async fn expect_result(&mut self, name: &Value, step: &Value) -> Outcome {
        let task = self.results.remove(name.as_str().unwrap()).ok_or("no such call")?;
        let ended = timeout(Duration::from_secs(3), task).await.map_err(|_| "no result")?;
        match (ended.map_err(|error| error.to_string())?, &step["error"]) {
            (Ok(value), Value::Null) if step["ok"].is_object() => {
                includes(&value, &self.fill(&step["ok"]))
            }
            (Ok(value), Value::Null) => same(&value, &step["ok"]),
            (Err(error), Value::Object(wanted)) => {
                let mut wanted = wanted.clone();
                // An error names no event, and its code says whether to try again.
                wanted.remove("event");
                wanted.remove("retryable");
                includes(&failed(None, &error), &Value::Object(wanted))
            }
            (found, _) => Err(format!("it ended with {found:?}")),
        }
    }

    fn nothing_else(&mut self) -> Outcome {
        let mut left = Vec::new();
        let mut add = |what: &str, item: Option<String>| {
            left.extend(item.map(|item| format!("{what} {item}")));
        };
        add("event", self.heard.try_recv().ok().map(|item| item.to_string()));
        add("report", self.reports.try_recv().ok().map(|item| item.to_string()));
        add("token question", self.asked.try_recv().ok().map(str::to_owned));
        let frames = self.connection.as_mut().and_then(|open| open.frames.try_recv().ok());
        add("frame", frames.map(|item| item.to_string()));
        let tokens = self.tokens.lock().pop_front();
        add("token", tokens.map(|item| item.to_string()));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        add("change", self.changes.try_recv().ok().map(|item| item.to_string()));
        add("dial", self.listener.poll_accept(&mut cx).is_ready().then(String::new));
        if left.is_empty() { Ok(()) } else { Err(format!("left over: {}", left.join(", "))) }
    }

    fn connection(&mut self) -> Outcome<&mut Connection> {
        self.connection.as_mut().ok_or_else(|| "no connection".to_owned())
    }

    fn chat(&self) -> Outcome<&Sender<Script>> {
        self.chat.as_ref().ok_or_else(|| "no socket".to_owned())
    }

    /// With the variables' values.
    fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if is_variable(text) => {
                self.variables.get(text).unwrap_or_else(|| panic!("{text} has no value")).clone()
            }
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), self.fill(value))).collect()
            }
            other => other.clone(),
        }
    }

    /// Equal, but that a variable without a value takes what is there.
    fn matches(&mut self, actual: &Value, wanted: &Value) -> Outcome {
        self.bind(actual, wanted);
        same(actual, &self.fill(wanted))
    }

    fn bind(&mut self, actual: &Value, wanted: &Value) {
        match wanted {
            Value::String(text) if is_variable(text) => {
                self.variables.entry(text.clone()).or_insert_with(|| actual.clone());
            }
            Value::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    self.bind(&actual[n], item);
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.bind(&actual[name], value);
                }
            }
            _ => {}
        }
    }
}

/// The first key of a step, and its value.
fn first(step: &Value) -> (String, Value) {
    const VERBS: [&str; 16] = [
        "dial", "open", "refuse", "up", "down", "raw", "hangup", "cut", "closed", "wait", "call",
        "result", "event", "gap", "report", "token",
    ];
    let more = ["status", "room", "app", "presence"];
    // Maps are sorted: `room` is also a key of gaps, but never beside another verb.
    let verb = VERBS.into_iter().chain(more).find(|verb| step.get(verb).is_some());
    let verb = verb.unwrap_or("nothing");
    (verb.to_owned(), step[verb].clone())
}

fn named(reason: TokenReason) -> &'static str {
    match reason {
        TokenReason::Connect => "connect",
        TokenReason::Expiring => "expiring",
        TokenReason::Refused => "refused",
        _ => "request",
    }
}

fn is_variable(text: &str) -> bool {
    let name = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
    name.is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

fn place(at: &Position) -> Value {
    json!({ "epoch": at.epoch, "offset": at.offset })
}

fn event(event: &ToClient) -> Value {
    match event {
        ToClient::A(data) => json!(["a", data]),
        ToClient::B(data) => json!(["b", data]),
        ToClient::C(data) => json!(["c", data]),
        ToClient::Confirm(data) => json!(["confirm", data]),
    }
}

fn who(watch: &Watch<Script>) -> Value {
    let members = watch.list();
    let states: serde_json::Map<_, _> =
        members.iter().map(|member| (member.key.clone(), json!(member.states.first()))).collect();
    json!({
        "members": members.iter().map(|member| &member.key).collect::<Vec<_>>(),
        "others": watch.others().iter().map(|member| &member.key).collect::<Vec<_>>(),
        "self": watch.me().map(|member| member.key),
        "count": watch.count(),
        "stale": watch.is_stale(),
        "states": states,
    })
}

fn failed(event: Option<&str>, error: &Error) -> Value {
    let cause = error.cause().map(ToString::to_string);
    json!({
        "event": event,
        "code": error.code(),
        "message": cause.unwrap_or_else(|| error.message().to_owned()),
        "status": error.status().as_u16(),
        "issues": error.issues(),
        "after": error.retry_delay().map(|after| after.as_millis()),
    })
}

fn shown(status: &Status) -> Value {
    match status {
        Status::Connecting { attempt, .. } => json!({ "state": "connecting", "attempt": attempt }),
        Status::Open { profile, .. } => {
            let profile = format!("{profile:?}").to_lowercase();
            json!({ "state": "open", "profile": profile })
        }
        Status::Reconnecting { attempt, lost, cause, .. } => {
            let cause = failed(None, cause);
            json!({ "state": "reconnecting", "attempt": attempt, "lost": lost, "cause": cause })
        }
        Status::Closed { code, cause, .. } => {
            let cause = cause.as_ref().map(|cause| failed(None, cause));
            json!({ "state": "closed", "code": code, "cause": cause })
        }
        other => json!({ "state": format!("{other:?}") }),
    }
}

async fn next(items: &mut mpsc::UnboundedReceiver<Value>, what: &str) -> Outcome<Value> {
    let item = timeout(Duration::from_secs(2), items.recv()).await;
    item.map_err(|_| format!("{what}: nothing came"))?.ok_or_else(|| format!("{what}: it is over"))
}

fn same(actual: &Value, wanted: &Value) -> Outcome {
    if actual == wanted { Ok(()) } else { Err(format!("{actual} is not {wanted}")) }
}

/// Every key of `wanted`, in depth.
fn includes(actual: &Value, wanted: &Value) -> Outcome {
    match wanted {
        Value::Object(fields) => {
            fields.iter().try_for_each(|(name, value)| includes(&actual[name], value))
        }
        Value::Null if actual.is_null() => Ok(()),
        wanted => same(actual, wanted),
    }
}

async fn soon(mut look: impl FnMut() -> Outcome) -> Outcome {
    let end = Instant::now() + Duration::from_millis(1500);
    loop {
        match look() {
            Ok(()) => return Ok(()),
            Err(why) if Instant::now() > end => return Err(why),
            Err(_) => sleep(Duration::from_millis(3)).await,
        }
    }
}
