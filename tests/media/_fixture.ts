/** What the tests of the media process share. @module */
import { Call } from "../../src/edge/call.ts";
import type { CallConnection } from "../../src/edge/call_connection.ts";
import type { AudioRow, EdgeAgent } from "../../src/edge/edge_agent.ts";
import { EdgeTransport } from "../../src/edge/edge_transport.ts";
import type { JsonValue } from "../../src/edge/types.ts";
import type { Clock } from "../../src/events/clock.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { MediaConnection } from "../../src/media/parent/media_connection.ts";
import type { ChildLink } from "../../src/media/parent/child_link.ts";
import type { MediaLease, ProcessLease } from "../../src/media/parent/media_lease.ts";
import { MediaProcess, type MediaProcessOptions } from "../../src/media/parent/media_process.ts";

/** The child without WebRTC. */
export const FAKE_CHILD = new URL("./fixtures/fake_child.ts", import.meta.url);
/** The child whose people are peers in its own process. */
export const LOOPBACK_CHILD = new URL("./fixtures/loopback_child.ts", import.meta.url);

/** A process with the fake child. */
export function fakeProcess(options: Partial<MediaProcessOptions> = {}): MediaProcess {
  return new MediaProcess({ child: FAKE_CHILD, config: null, logger: silentLogger, ...options });
}

/** The wire behind a lease. */
export function linkOf(lease: MediaLease): ChildLink {
  return (lease as ProcessLease).link;
}

/** The thinnest edge over a media process. */
export class TestEdge extends EdgeTransport {
  readonly process: MediaProcess;
  params: JsonValue = null;

  constructor(process: MediaProcess, clock?: Clock) {
    super({ logger: silentLogger, clock });
    this.process = process;
  }

  override authenticate(): Promise<void> {
    return Promise.resolve();
  }
  override createCall(callId: string): Promise<Call> {
    return Promise.resolve(new Call({ id: callId }));
  }
  override join(
    agent: EdgeAgent,
    call: Call,
    options: { signal?: AbortSignal; timeoutMs?: number } = {},
  ): Promise<MediaConnection> {
    const { process, params } = this;
    const rejoinParams = () => Promise.resolve(this.params);
    return MediaConnection.open(this, { agent, call, process, params, rejoinParams, ...options });
  }
}

/** An agent that hands its rows to `onRow`. */
export function testAgent(
  onRow: (row: AudioRow) => void = () => {},
  audioSubscription: Partial<EdgeAgent["audioSubscription"]> = {},
): EdgeAgent {
  return {
    user: { id: "agent", name: "Agent" },
    audioSubscription: { sampleRate: 16_000, agents: false, ...audioSubscription },
    receiveRow: onRow,
  };
}

/** Whether a process of this id runs. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    const status = await Deno.readTextFile(`/proc/${pid}/stat`);
    return !/\) Z /.test(status);
  } catch {
    return false;
  }
}

/** A connection's close reason, and how long it took from now on. */
export async function closeOf(connection: CallConnection): Promise<{ reason: string; ms: number }> {
  const start = performance.now();
  const reason = await connection.closed;
  return { reason, ms: performance.now() - start };
}
