// What a program on a page needs at run time: no schema is in here, and so no zod in its bundle.

export * from "./formats/csv.js";
export * from "./socket/close-codes.js";
export * from "./socket/limits.js";
export * from "./socket/vpin-levels.js";
