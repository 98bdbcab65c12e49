export * from "./delay.d.ts";
export * from "./deadline.d.ts";
export * from "./abortable.d.ts";
