// deno run --allow-run --allow-net=127.0.0.1 --allow-env=CONTROL_TOKEN examples/worker.ts [--port 8080] [--calls 10] [--control 8081]
/**
 * A worker: each person who opens the printed page gets a call with a parrot of their own. Ctrl-C (or
 * SIGTERM) lets the calls that go on finish first; a second one ends them.
 *
 * With `--control` it answers probes, and with CONTROL_TOKEN in the environment (32 random characters)
 * operators and Prometheus, too.
 */
import { Agent } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { JobEndedEvent, JobStartedEvent, serve, WorkerControl } from "@ringline/edge/serve";
import { commandLine, fail, usable, wrongCommandLine } from "./lib/program.ts";
import { Parrot } from "./parrot.ts";

const options = commandLine({ port: 0, calls: 10, control: "" });
const { port, calls } = options;
if (!/^\d{0,5}$/.test(options.control)) {
  wrongCommandLine(`--control: expected a port, got "${options.control}"`);
}

await using edge = await usable(() => new LocalEdge({ port }));
await using worker = await usable(() =>
  serve({
    agent: (job) =>
      new Agent({
        edge: job.edge,
        agentUser: { id: "parrot", name: "Parrot" },
        processors: [new Parrot()],
      }),
    sources: [edge],
    limits: { calls },
    isProgram: true,
  })
);
worker.events.subscribe(JobStartedEvent, ({ job }) => console.log(`${job.callId} has begun.`));
worker.events.subscribe(JobEndedEvent, ({ job, outcome, durationMs }) => {
  const seconds = Math.round(durationMs / 1000);
  console.log(`${job.callId} has ended after ${seconds} s: ${outcome.status}.`);
});

if (options.control !== "") {
  const token = Deno.env.get("CONTROL_TOKEN");
  const control = await usable(() => new WorkerControl(worker, { edge, token }), fail);
  const address = { hostname: "127.0.0.1", port: Number(options.control) };
  const server = Deno.serve({ ...address, onListen: () => {} }, control.fetch);
  console.log(`Control: http://127.0.0.1:${server.addr.port}`);
  void worker.closed.then(() => server.shutdown());
}
// Undefined where a signal has come meanwhile.
if (edge.startPage) console.log(`Open ${edge.startPage.href} in a browser`);
await worker.closed;
