#!/usr/bin/env node
// The fixture on workerd, as the stock client's suites start it: `fixture.mjs [port]` prints its
// port once it accepts connections, and ends with its standard input. WORKERS_BUILD is the folder
// that jstack-worker-build made.

import { spawn } from "node:child_process"
import { connect } from "node:net"
import { fileURLToPath } from "node:url"
import { worker } from "./support.mjs"

const isTaken = port =>
  new Promise(resolve => {
    const socket = connect(port, "127.0.0.1", () => (socket.destroy(), resolve(true))).on("error", () => resolve(false))
  })

const [port = "0", role] = process.argv.slice(2)
if (role !== "runtime") {
  // The suites kill this process, and workerd must end with it: a second one notices the end of its input.
  const file = fileURLToPath(import.meta.url)
  const child = spawn(process.execPath, [file, port, "runtime"], { stdio: ["pipe", "inherit", "inherit"] })
  child.on("exit", code => process.exit(code ?? 1))
  process.stdin.pipe(child.stdin)
} else {
  // One that was killed a moment ago may still have the port.
  while (port !== "0" && (await isTaken(Number(port)))) await new Promise(done => setTimeout(done, 20))
  const origins = ["same", "https://allowed.example", process.env.FIXTURE_ORIGIN].filter(Boolean)
  const variables = { JSTACK_ORIGINS: origins.join(","), JSTACK_BODY_BYTES: "64KiB" }
  const started = await worker(process.env.WORKERS_BUILD, { port: Number(port), variables })
  console.log(new URL(started.url).port)
  process.stdin.resume().on("end", async () => {
    await started.stop()
    process.exit(0)
  })
}
