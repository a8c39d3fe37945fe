// The constants that a page needs at run time. Nothing here has a schema, so zod stays out of the page's bundle.
export * from "./formats/csv.js";
export * from "./socket/close-codes.js";
export * from "./socket/limits.js";
