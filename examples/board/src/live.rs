//! The board itself: one socket for cursors, comments and presence.

use jstack_runtime::prelude::*;
use uuid::Uuid;

use crate::auth::{Tokens, User};

/// The board to open: the query of the socket.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Place {
    /// Its name, which is the name of its room.
    pub(crate) board: String,
}

/// A point on the board, in parts of its width and height.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub(crate) struct Point {
    #[garde(range(min = 0.0, max = 1.0))]
    pub(crate) x: f32,
    #[garde(range(min = 0.0, max = 1.0))]
    pub(crate) y: f32,
}

/// Where somebody points.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cursor {
    #[garde(skip)]
    pub(crate) user_id: String,
    #[garde(dive)]
    pub(crate) at: Point,
}

/// A comment that somebody writes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub(crate) struct NewComment {
    #[garde(dive)]
    pub(crate) at: Point,
    #[garde(length(chars, min = 1, max = 280))]
    pub(crate) text: String,
}

/// A comment on the board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Comment {
    #[garde(skip)]
    pub(crate) id: String,
    #[garde(skip)]
    pub(crate) author_id: String,
    #[garde(skip)]
    pub(crate) author: String,
    #[garde(dive)]
    pub(crate) at: Point,
    #[garde(skip)]
    pub(crate) text: String,
}

/// What somebody is doing: clients say it about themselves.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub(crate) struct Doing {
    /// They are writing a comment.
    pub(crate) writing: bool,
}

/// What everybody on a board sees of somebody.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub(crate) struct Profile {
    pub(crate) name: String,
}

/// What clients send.
#[derive(Clone, Debug, Events)]
pub(crate) enum ToServer {
    /// Points somewhere. While the connection is busy, only the newest place is worth sending.
    #[event(latest)]
    Cursor(Point),
    /// Adds a comment, and answers with it as everybody gets it.
    #[event(reply = Comment)]
    Comment(NewComment),
}

/// What clients get.
#[derive(Clone, Debug, Events)]
pub(crate) enum ToClient {
    /// Somebody points somewhere.
    #[event(latest = user_id)]
    Cursor(Cursor),
    /// Somebody has added a comment.
    Comment(Comment),
}

/// A board. Its room keeps the comments: the last 500, each for a week. Cursors are not kept,
/// because they are `latest`.
#[procedure(ws, incoming = ToServer, outgoing = ToClient, presence = Doing, history(500, "7d"))]
pub(crate) mod board {
    use super::*;

    pub(crate) struct Session {
        user: User,
        board: String,
    }

    #[connect]
    async fn connect(user: User, Query(place): Query<Place>, socket: Socket) -> Result<Session> {
        // The page learns of it, and sends a new token in time: see `refresh`.
        socket.expires_in(user.time_left());
        socket.join(&place.board).await?;
        Ok(Session { user, board: place.board })
    }

    /// Windows of one user are one member.
    #[member]
    fn member(session: &Session) -> Member<Profile> {
        Member::new(&session.user.id, Profile { name: session.user.name.clone() })
    }

    /// `User` is extracted again, from the new token.
    #[refresh]
    async fn refresh(session: &mut Session, socket: Socket, user: User) -> Result {
        if user.id != session.user.id {
            return Err(Error::forbidden("this connection belongs to another user"));
        }
        socket.expires_in(user.time_left());
        session.user = user;
        Ok(())
    }

    #[on(Cursor)]
    async fn cursor(session: &mut Session, socket: Socket, io: Io, at: Point) -> Result {
        let cursor = Cursor { user_id: session.user.id.clone(), at };
        io.to(&session.board).except(&socket).cursor(&cursor).await
    }

    #[on(Comment)]
    async fn comment(session: &mut Session, io: Io, new: NewComment) -> Result<Comment> {
        let NewComment { at, text } = new;
        let (author_id, author) = (session.user.id.clone(), session.user.name.clone());
        let id = Uuid::new_v4().simple().to_string();
        let comment = Comment { id, author_id, author, at, text };
        io.to(&session.board).comment(&comment).await?;
        Ok(comment)
    }
}

pub(crate) fn router() -> Router<Tokens> {
    router![board]
}
