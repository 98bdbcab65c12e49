// Not npm's own `mod.js`: that one reaches for a file which its package left out.
export * from "./delay.js";
export * from "./deadline.js";
export * from "./abortable.js";
