export * from "./held-out-seeds.js";
export * from "./label.js";
export * from "./scenario.js";
export * from "./scenario-parameters.js";
