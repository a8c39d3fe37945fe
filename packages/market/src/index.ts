export * from "./frame-parts.js";
