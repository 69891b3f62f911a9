//! From the module to what wrangler bundles.

use std::fs;
use std::path::{Path, PathBuf};

use wasm_bindgen_cli_support::Bindgen;

use crate::Failure;
use crate::arguments::Profile;

/// The half of `jstack-runtime` that is JavaScript, below the folder of snippets.
const GLUE: &str = "src/platform/workers/glue.js";

/// Writes `index.js` and `pkg/` into `out`.
pub(crate) fn write(module: &Path, out: &Path, profile: Profile) -> Result<(), Failure> {
    let package = out.join("pkg");
    if package.exists() {
        // What an earlier version wrote must not be bundled.
        fs::remove_dir_all(&package).map_err(|error| format!("{}: {error}", package.display()))?;
    }
    let mut bindgen = Bindgen::new();
    let small = profile == Profile::Worker;
    bindgen
        .input_path(module)
        .module(true)
        .map_err(|error| error.to_string())?
        .typescript(false)
        .out_name("app")
        .remove_name_section(small)
        .remove_producers_section(small)
        .reset_state_function(true)
        .generate(&package)
        .map_err(|error| explained(&format!("{error:?}")))?;
    let script = package.join("app.js");
    edit(&script, |text| {
        // Wrangler gives a compiled module for a plain import. The program's `main` runs by itself
        // unless another crate has a start function.
        let text = unwrapped(text);
        text.replace("import source ", "import ")
            .replace("wasm.__wbindgen_start();", "wasm.__wbindgen_start();\nwasm.main?.(0, 0);")
    })?;
    let glue = snippet(&package)?;
    let glue = glue.strip_prefix(out).unwrap_or(&glue).to_string_lossy().replace('\\', "/");
    put(
        &out.join("index.js"),
        &format!(
            "// Made by jstack-worker-build: the Worker and its Durable Object.\n\
             import * as program from \"./pkg/app.js\"\n\
             import {{ worker }} from \"./{glue}\"\n\n\
             const {{ handler, JstackObject }} = worker(program)\n\
             export {{ handler as default, JstackObject }}\n"
        ),
    )?;
    put(&out.join(".gitignore"), "*\n")
}

/// Imports that are called for each message, and throw nothing: what they do is in a `try` of their own.
const QUIET: [&str; 3] = ["send", "textOf", "soon"];

/// Where panics unwind, wasm-bindgen wraps each import, to turn what it throws into an exception of
/// WebAssembly. Without the wrapper, the quiet ones cost less.
fn unwrapped(script: &str) -> String {
    const BEGIN: &str = ": function() { return wrapError(function ";
    const END: &str = "}, arguments); },";
    let is_quiet = |line: &str| {
        let name = line.trim_start().strip_prefix("__wbg_").and_then(|line| line.split(':').next());
        let name = name.and_then(|name| name.rsplit_once('_')).map(|(name, _)| name);
        name.is_some_and(|name| QUIET.contains(&name))
    };
    let mut within = false;
    let lines = script.lines().map(|line| {
        if is_quiet(line) && line.contains(BEGIN) {
            within = true;
            return line.replace(BEGIN, ": function ");
        }
        if within && line.trim() == END {
            within = false;
            return line.replace(END, "},");
        }
        line.to_owned()
    });
    lines.map(|line| line + "\n").collect()
}

/// The glue that the module of `jstack-runtime` brings along.
fn snippet(package: &Path) -> Result<PathBuf, Failure> {
    let folders = fs::read_dir(package.join("snippets")).into_iter().flatten().flatten();
    folders.map(|folder| folder.path().join(GLUE)).find(|path| path.exists()).ok_or_else(|| {
        "the program does not serve anything: its `main` needs `#[jstack_runtime::main]`, and \
             must call `App::run`"
            .to_owned()
    })
}

/// An error of wasm-bindgen, with what to do about the usual one.
fn explained(error: &str) -> Failure {
    if error.contains("schema version") || error.contains("bindgen format") {
        return format!(
            "{error}\nhelp: the application's `wasm-bindgen` must be the one that this program \
             knows: install the jstack-worker-build of the same version as its jstack-runtime, or \
             run `cargo update -p wasm-bindgen --precise 0.2.130`"
        );
    }
    format!("wasm-bindgen: {error}")
}

fn edit(path: &Path, change: impl FnOnce(&str) -> String) -> Result<(), Failure> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    put(path, &change(&text))
}

fn put(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_imports_are_called_without_a_wrapper_and_others_with_it() {
        let script = "\
        __wbg_send_7e27: function() { return wrapError(function (arg0, arg1) {
            const ret = send(arg0 >>> 0, arg1);
            return ret;
        }, arguments); },
        __wbg_sendAll_7e27: function() { return wrapError(function (arg0) {
            sendAll(arg0);
        }, arguments); },
        __wbg_textOf_17: function (arg0) {
            return textOf(arg0);
        },
";
        let expected = "\
        __wbg_send_7e27: function (arg0, arg1) {
            const ret = send(arg0 >>> 0, arg1);
            return ret;
        },
        __wbg_sendAll_7e27: function() { return wrapError(function (arg0) {
            sendAll(arg0);
        }, arguments); },
        __wbg_textOf_17: function (arg0) {
            return textOf(arg0);
        },
";
        assert_eq!(unwrapped(script), expected);
    }
}
