/**
 * The SFU of the double, in a process of its own because of WebRTC: commands come as lines of JSON by
 * its standard input, results go by its output, and it ends with its input.
 *
 * @module
 */
import { TextLineStream } from "../lines.ts";
import { command } from "./commands/mod.ts";
import { Sfu } from "./sfu.ts";

const encoder = new TextEncoder();
const say = (message: unknown): void => {
  Deno.stdout.writeSync(encoder.encode(JSON.stringify(message) + "\n"));
};

if (import.meta.main) {
  const sfu = new Sfu(Deno.args[0] ?? "");
  sfu.onHeard = (cid, userId, ms) => say({ heard: { cid, userId, ms } });
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => say({ ready: port }),
  }, (request) => sfu.serve(request));
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(
    new TextLineStream(),
  );
  for await (const line of lines) {
    const { id, name, params } = JSON.parse(line);
    command(sfu, name, params).then(
      (result) => say({ id, result: result ?? null }),
      (error) => say({ id, error: String(error) }),
    );
  }
  await Promise.race([
    sfu.close().then(() => server.shutdown()),
    new Promise((resolve) => setTimeout(resolve, 300)),
  ]);
  Deno.exit(0);
}
