//! Testing an application: `src/tests.rs` shows it from a function to a socket.

use std::sync::{Arc, Mutex, PoisonError};

use jstack_runtime::prelude::*;

/// A task on the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub struct Task {
    #[garde(length(chars, min = 1, max = 100))]
    pub title: String,
}

/// The list.
#[derive(Clone, Default)]
pub struct Tasks(Arc<Mutex<Vec<Task>>>);

/// The events of `live`.
#[derive(Clone, Debug, Events)]
pub enum Live {
    /// Somebody added a task.
    Added(Task),
}

#[procedure(ws, incoming = Live, outgoing = Live)]
pub mod live {
    use super::*;

    #[on(Added)]
    pub async fn added(State(tasks): State<Tasks>, io: Io, task: Task) -> Result {
        add(&tasks, task.clone())?;
        io.all().added(&task).await
    }
}

/// All tasks.
#[procedure(get)]
pub async fn list(State(tasks): State<Tasks>) -> Vec<Task> {
    tasks.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Adds a task, unless there is one of that title.
fn add(tasks: &Tasks, task: Task) -> Result {
    let mut tasks = tasks.0.lock().unwrap_or_else(PoisonError::into_inner);
    if tasks.contains(&task) {
        return Err(Error::conflict("there is a task of that title"));
    }
    tasks.push(task);
    Ok(())
}

// Tests need the application and its state, but not `main`.
pub fn app(tasks: Tasks) -> App {
    App::new().mount("tasks", router![live, list]).with_state(tasks)
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    app(Tasks::default()).run().await
}

#[cfg(test)]
mod tests;
