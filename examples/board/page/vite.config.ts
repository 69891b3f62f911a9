import react from "@vitejs/plugin-react"
import { defineConfig } from "vite"

export default defineConfig({
  plugins: [react()],
  // The client is a link to `clients/js`, which has a React of its own for its tests.
  resolve: { dedupe: ["react"] },
  // `npm run dev` serves the page, and the board's server (`cargo run -p board`) the rest.
  server: { proxy: { "/api": { target: "http://127.0.0.1:8080", ws: true } } },
})
