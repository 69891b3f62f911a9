//! Plays one script: the server's side over a socket, the application's side on the client.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use jstack_runtime::client::{Dial, Incoming, Position, PresenceChange, Sender, Watch};
use jstack_runtime::prelude::*;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::application::{Script, Tokens, client, emit, emitted, request, socket};
use crate::scripted::{Connection, Handshake, dial};
use crate::values::{Outcome, Variables, first, includes, same, soon};
use crate::views::{event, failed, place, shown, who};

pub struct Player {
    listener: TcpListener,
    /// Where this script's client dials, and no other.
    path: String,
    variables: Variables,
    tokens: Tokens,
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
    /// When the server ended a connection; delays count from there.
    ended: Option<Instant>,
    results: BTreeMap<String, JoinHandle<Result<Value>>>,
    watch: Option<Watch<Script>>,
    changes: mpsc::UnboundedReceiver<Value>,
    change: mpsc::UnboundedSender<Value>,
    /// What listens for the application; it ends with the script.
    tasks: JoinSet<()>,
}

impl Player {
    pub async fn run(script: Value) -> Outcome {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut player = Self::new(listener, &script);
        let played = player.play_all(&script).await;
        player.end().await;
        played
    }

    async fn play_all(&mut self, script: &Value) -> Outcome {
        for (index, step) in script["steps"].as_array().unwrap().iter().enumerate() {
            let (verb, value) = first(step);
            let played = self.play(&verb, &value, step).await;
            played.map_err(|why| format!("step {}, {step}: {why}", index + 1))?;
        }
        sleep(Duration::from_millis(20)).await;
        self.nothing_else().await
    }

    /// Ends the client while its port is still this script's. One that was left would dial on, and a
    /// later script may get the same port.
    async fn end(mut self) {
        let Some(chat) = self.chat.take() else { return };
        chat.close(1000, "");
        let mut sockets = std::mem::take(&mut self.tasks);
        sockets.abort_all();
        while sockets.join_next().await.is_some() {}
    }

    fn new(listener: TcpListener, script: &Value) -> Self {
        let options = &script["options"];
        static SCRIPTS: AtomicU32 = AtomicU32::new(0);
        let number = SCRIPTS.fetch_add(1, Ordering::Relaxed);
        let path = format!("/script-{}-{number}", std::process::id());
        let base = format!("http://{}{path}", listener.local_addr().unwrap());
        let tokens = options["tokens"].as_array().cloned().unwrap_or_default();
        let tokens = Tokens::new(parking_lot::Mutex::new(tokens.into()));
        let (ask, asked) = mpsc::unbounded_channel();
        let dial = socket(&client(&base, options, &tokens, ask), script);
        let (hear, heard) = mpsc::unbounded_channel();
        let (report, reports) = mpsc::unbounded_channel();
        let (change, changes) = mpsc::unbounded_channel();
        Self {
            listener,
            path,
            variables: Variables::of(script),
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
            ended: None,
            results: BTreeMap::new(),
            watch: None,
            changes,
            change,
            tasks: JoinSet::new(),
        }
    }

    async fn play(&mut self, verb: &str, value: &Value, step: &Value) -> Outcome {
        if ["refuse", "hangup", "cut"].contains(&verb) {
            self.ended = Some(Instant::now());
        }
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
                let text = self.variables.fill(value).to_string();
                self.connection()?.send(text);
            }
            "raw" => self.connection()?.send(value.as_str().unwrap().to_owned()),
            "up" => {
                let frames = &mut self.connection()?.frames;
                let frame = next(frames, "a frame").await?;
                self.variables.matches(&frame, value)?;
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
                same(&heard["event"], &self.variables.fill(value))?;
                if let Some(meta) = step.get("meta") {
                    includes(&heard["meta"], &self.variables.fill(meta))?;
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
                let is = self.variables.fill(&step["is"]);
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
        let began = self.ended.take().unwrap_or_else(Instant::now);
        let handshake = dial(&self.listener, &self.path, most).await?;
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
                self.tasks.spawn(async move {
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
                let room = self.chat.as_ref().unwrap().room(name);
                let range = self.variables.fill(args[1]);
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
        self.tasks.spawn(async move {
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
                includes(&value, &self.variables.fill(&step["ok"]))
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

    async fn nothing_else(&mut self) -> Outcome {
        let mut left = Vec::new();
        let mut add = |what: &str, item: Option<String>| {
            left.extend(item.map(|item| format!("{what} {item}")));
        };
        add("event", self.heard.try_recv().ok().map(|item| item.to_string()));
        add("report", self.reports.try_recv().ok().map(|item| item.to_string()));
        add("token question", self.asked.try_recv().ok().map(str::to_owned));
        // A client of the base profile asks a silent server whenever that is due.
        let ping = json!(["ping", null]);
        let frames = self.connection.as_mut().and_then(|open| {
            std::iter::from_fn(|| open.frames.try_recv().ok()).find(|frame| *frame != ping)
        });
        add("frame", frames.map(|item| item.to_string()));
        let tokens = self.tokens.lock().pop_front();
        add("token", tokens.map(|item| item.to_string()));
        add("change", self.changes.try_recv().ok().map(|item| item.to_string()));
        let dialled = dial(&self.listener, &self.path, 5).await.is_ok();
        add("dial", dialled.then(String::new));
        if left.is_empty() { Ok(()) } else { Err(format!("left over: {}", left.join(", "))) }
    }

    fn connection(&mut self) -> Outcome<&mut Connection> {
        self.connection.as_mut().ok_or_else(|| "no connection".to_owned())
    }

    fn chat(&self) -> Outcome<&Sender<Script>> {
        self.chat.as_ref().ok_or_else(|| "no socket".to_owned())
    }
}

async fn next(items: &mut mpsc::UnboundedReceiver<Value>, what: &str) -> Outcome<Value> {
    let item = timeout(Duration::from_secs(2), items.recv()).await;
    item.map_err(|_| format!("{what}: nothing came"))?.ok_or_else(|| format!("{what}: it is over"))
}
