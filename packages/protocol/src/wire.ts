// What a program on a page needs at run time: no schema is in here, and so no zod in its bundle.
export * from "./close-codes.js";
export * from "./csv.js";
export * from "./limits.js";
export * from "./vpin-levels.js";
