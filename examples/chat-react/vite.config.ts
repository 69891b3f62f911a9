import react from "@vitejs/plugin-react"
import { defineConfig } from "vite"

export default defineConfig({
  // Where the chat server serves the built page.
  base: "/react/",
  plugins: [react()],
  // `npm run dev` serves the page, and the chat server (`cargo run -p chat`) the rest.
  server: { proxy: { "/api": { target: "http://127.0.0.1:8080", ws: true } } },
})
