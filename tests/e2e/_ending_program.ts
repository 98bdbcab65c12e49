/** An agent's process that ends by itself, while what it has started goes on. */
import process from "node:process";

process.on("message", () => {
  const args = ["eval", "setTimeout(() => {}, 500)"];
  new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "null" }).spawn().unref();
  Deno.exit(7);
});
process.send!({ type: "ready", edges: 1 });
