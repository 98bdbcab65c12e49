/** The calls that people start on a LocalEdge's page, as jobs of a worker. @module */
import type { Call } from "../../edge/call.ts";
import type { EdgeTransport } from "../../edge/edge_transport.ts";
import type { AcceptedJob, JobFeed, JobWorker } from "../../edge/jobs.ts";
import { callKey } from "./wire/call_key.ts";
import type { LocalServer, StartPageOptions } from "./server.ts";

/** What the edge does for its jobs. */
export interface LocalJobsInit {
  edge: EdgeTransport;
  signal: AbortSignal;
  serve: (options: StartPageOptions) => Promise<LocalServer>;
  /** Ends a call that no agent has joined. */
  endUnanswered: (call: Call) => Promise<void>;
}

/** Serves the start page for a worker: a person is let in when the worker has a place for the call. */
export async function openLocalJobs(
  worker: JobWorker,
  { edge, signal, serve, endUnanswered }: LocalJobsInit,
): Promise<JobFeed> {
  const places = new Map<string, AcceptedJob>();
  const server = await serve({
    signal,
    accept: async (call) => {
      const { id: callId, type: callType } = call;
      const answer = await worker.offer({ id: `${callType}:${callId}`, edge, callId, callType });
      if (answer.accepted) places.set(callKey(call), answer);
      return answer.accepted;
    },
    onCall: async (call) => {
      const place = places.get(callKey(call));
      places.delete(callKey(call));
      const outcome = await place?.start({ call }).ended;
      // The worker has reported it; the person must not wait for an agent that does not come.
      if (outcome?.status !== "finished") await endUnanswered(call);
    },
    onDropped: (call) => {
      places.get(callKey(call))?.release();
      places.delete(callKey(call));
    },
  });
  return {
    drain: () => server.close(),
    close: async () => {
      await server.close();
      for (const place of places.values()) place.release();
      places.clear();
    },
  };
}
