export type { Api } from "./api.js";
export { createApp } from "./app.js";
export { type Config, readApiConfig } from "./config.js";
export { type Listening, listen } from "./http/listen.js";
