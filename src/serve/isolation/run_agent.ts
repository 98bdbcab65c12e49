/** What `serve` does in a process that a worker started: it runs one job, and exits. @module */
import process from "node:process";
import type { EdgeTransport } from "../../edge/edge_transport.ts";
import { messageOf } from "../../events/error_text.ts";
import { BEAT_MS } from "../../events/heartbeat.ts";
import { promised } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";
import { onUncaught } from "../program.ts";
import { JobRun, type JobRunInit } from "../job.ts";
import {
  type FromAgent,
  type JobData,
  type ToAgent,
  toFailureData,
  toOutcomeData,
} from "./messages.ts";

/** How long the edges may take to close. */
const CLOSE_MS = 2000;
/** How long the process outlives its worker: for the agent to leave. */
const ORPHAN_MS = 3000;

/**
 * Ends the process when its worker is gone: the input ends then. In a thread of its own, since the agent
 * may never come to an end of what it does; no exit ends that from here.
 */
const WATCH = `
const buffer = new Uint8Array(64);
while (await Deno.stdin.read(buffer).catch(() => null) !== null);
setTimeout(() => Deno.kill(Deno.pid, "SIGKILL"), ${ORPHAN_MS});
`;

/** What an agent's process takes of the options of `serve`. */
export interface AgentProcessInit
  extends Pick<JobRunInit, "createAgent" | "goodbye" | "join" | "limits" | "clock" | "logger"> {
  /** The same as the worker's, in the same order. */
  edges: readonly EdgeTransport[];
}

/** Runs the job that the worker sends, and exits: the promise never settles. */
export async function runAgent(init: AgentProcessInit): Promise<never> {
  const { edges, clock } = init;
  new Worker(`data:text/javascript,${encodeURIComponent(WATCH)}`, { type: "module" });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // The worker says when the process ends.
    if (Deno.build.os !== "windows" || signal === "SIGINT") {
      Deno.addSignalListener(signal, () => {});
    }
  }
  let run: JobRun | undefined;
  const begin = ({ offer, edge, call }: JobData): JobRun => {
    const transport = edges[edge]!;
    return new JobRun({
      ...init,
      offer: { ...offer, edge: transport },
      call: call === undefined ? undefined : transport.readCall(call),
      report: (error, context) => send({ type: "error", error: toFailureData(error), context }),
      onJoined: () => send({ type: "joined" }),
      onReplied: (_job, voiceToVoiceMs) => send({ type: "replied", voiceToVoiceMs }),
    });
  };
  const beat = (): void =>
    send({ type: "alive", rssBytes: Deno.memoryUsage().rss, call: run?.status });
  const exit = async (code: number): Promise<never> => {
    const closing = Promise.all(edges.map((edge) => promised(() => edge.close())));
    await waitFor(closing, "closing the edges", { timeoutMs: CLOSE_MS, clock }).catch(() => {});
    Deno.exit(code);
  };
  const take = (message: ToAgent): void => {
    switch (message.type) {
      case "job":
        if (run) return;
        setInterval(beat, BEAT_MS);
        try {
          run = begin(message.job);
        } catch (error) {
          return send({ type: "ended", outcome: toOutcomeData({ status: "failed", error }) });
        }
        return void run.ended.then((outcome) =>
          send({ type: "ended", outcome: toOutcomeData(outcome) })
        );
      case "goodbye":
        return void run?.sayGoodbye();
      case "end":
        return void run?.end();
      case "exit":
        return void exit(0);
    }
  };
  onUncaught((error) => {
    if (run) return void run.fail(error);
    // The worker knows by the exit.
    console.error(`the agent's process: ${messageOf(error)}`);
    Deno.exit(1);
  });
  // Callers would wait for it.
  try {
    await Promise.all(edges.map((edge) => promised(() => edge.keepReady())));
  } catch (error) {
    // The worker ends the process.
    send({ type: "unready", error: toFailureData(error) });
    await exit(1);
  }
  process.on("message", (message) => take(message as ToAgent));
  process.on("disconnect", () => void (run?.end() ?? Promise.resolve()).then(() => exit(1)));
  send({ type: "ready", edges: edges.length });
  return await new Promise<never>(() => {});
}

function send(message: FromAgent): void {
  // It is told by `disconnect` that the worker is gone.
  if (process.connected) process.send?.(message, () => {});
}
