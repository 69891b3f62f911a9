import react from "@vitejs/plugin-react"
import { defineConfig } from "vite"
import { server } from "./server.ts"

// Where the server listens while you work; `PORT=8081 npm run dev` takes another port.
const address = `127.0.0.1:${process.env.PORT ?? 8080}`

export default defineConfig({
  plugins: [react(), server(address)],
  server: { proxy: { "/api": { target: `http://${address}`, ws: true } } },
})
