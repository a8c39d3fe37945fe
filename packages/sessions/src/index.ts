export * from "./channel.js";
export * from "./keys.js";
export * from "./record.js";
