/**
 * The calls of a LocalEdge and their media processes: which process a call has, what is open in it, and
 * what goes on when one takes another's place.
 *
 * @module
 */
import * as v from "valibot";
import type { Call } from "../../edge/call.ts";
import type { EdgeEvents } from "../../edge/edge_events.ts";
import { EdgeError } from "../../edge/errors.ts";
import { ErrorEvent } from "../../edge/events.ts";
import type { JsonValue } from "../../edge/types.ts";
import type { MediaLease } from "../../media/parent/media_lease.ts";
import type { Suspect } from "../../media/parent/restarts.ts";
import { CallSecrets } from "./call_secrets.ts";
import { callKey, callName } from "./wire/call_key.ts";
import { LocalProcess, type LocalProcessOptions } from "./local_process.ts";
import type { RunningServer } from "./server.ts";
import { type CallParams, childMessage } from "./wire/messages.ts";

/** What {@linkcode LocalCalls} needs. */
export interface LocalCallsInit
  extends Pick<LocalProcessOptions, "settings" | "closing" | "denoPath" | "memoryLimit"> {
  clock: NonNullable<LocalProcessOptions["clock"]>;
  logger: NonNullable<LocalProcessOptions["logger"]>;
  events: EdgeEvents;
  /** The ids of invitations that were revoked and would still admit. */
  revoked(): string[];
  /** Whether an agent is in a call. */
  isJoined(call: Call): boolean;
  /** The server of the start page, while there is one. */
  server(): RunningServer | undefined;
}

/** The calls of one edge. */
export class LocalCalls {
  readonly secrets: CallSecrets;
  /** Serves the start page, and all calls unless each has a media process of its own. */
  readonly main: LocalProcess;
  readonly #init: LocalCallsInit;
  /** With `mediaIsolation: "call"`, by call. */
  readonly #processes = new Map<string, LocalProcess>();
  /** Keeps a call open that has a link and no agent yet. */
  readonly #opened = new Map<string, MediaLease>();

  constructor(init: LocalCallsInit) {
    this.#init = init;
    this.secrets = new CallSecrets(init.settings.secret);
    this.main = this.#createProcess(() => {});
  }

  /**
   * The media process of a call, which is about to be acquired.
   *
   * @throws {EdgeError} `too-many-calls`: one more process would be more than `limits.calls`
   */
  processOf(call: Call): LocalProcess {
    if (!this.#isIsolated) return this.main;
    const { limits } = this.#init.settings;
    // Each process knows of its own call only. One whose call has ended counts until it is gone.
    if (!this.#processes.has(callKey(call)) && this.#processes.size >= limits.calls) {
      throw new EdgeError(
        `${this.#processes.size} calls are open: raise limits.calls, or end one`,
        {
          code: "too-many-calls",
          retryable: true,
        },
      );
    }
    // Not forgotten when the call ends: the next agent may be joining it in that moment.
    return this.#processes.getOrInsertComputed(
      callKey(call),
      (key) => this.#createProcess(() => this.#processes.delete(key)),
    );
  }

  /** The media process of a call, unless the call has none. */
  existingProcessOf(call: Call): LocalProcess | undefined {
    return this.#isIsolated ? this.#processes.get(callKey(call)) : this.main;
  }

  /** Opens a call, keeps it open while no agent has joined it, and returns its link. */
  async open(call: Call, options: { signal?: AbortSignal; isAwaited?: boolean }): Promise<URL> {
    const key = callKey(call);
    // A wrong call rejects before a process starts.
    this.secrets.params(call);
    const { isAwaited = false } = options;
    const { closing } = this.#init;
    const signal = AbortSignal.any([closing, ...(options.signal ? [options.signal] : [])]);
    const process = this.processOf(call);
    const lease = await process.acquire({ signal });
    let kept = false;
    try {
      const params: CallParams = this.secrets.params(call);
      const { origin } = process.keepPort(
        await lease.request("open", { ...params, isAwaited }, { signal, idempotent: true }),
      );
      if (!this.#init.isJoined(call) && !this.#opened.has(key)) {
        this.#opened.set(key, lease);
        kept = true;
      }
      const path = [call.type, call.id].map(encodeURIComponent).join("/");
      return new URL(`/call/${path}#${params.secret}`, origin);
    } finally {
      if (!kept) await lease.release();
    }
  }

  /** Keeps a call open no longer: its agents do, or nothing. */
  async release(key: string): Promise<void> {
    const lease = this.#opened.get(key);
    this.#opened.delete(key);
    await lease?.release();
  }

  async releaseAll(): Promise<void> {
    await Promise.all([...this.#opened.keys()].map((key) => this.release(key)));
  }

  /** Ends a call for all. */
  async end(call: Call): Promise<void> {
    const ended = this.existingProcessOf(call)?.request("end", this.secrets.params(call));
    // What is not open any more is not opened again either, should the process be replaced meanwhile.
    await Promise.all([ended, this.release(callKey(call))]);
  }

  /** Ends a call that no agent has joined. */
  async endUnanswered(call: Call): Promise<void> {
    await this.existingProcessOf(call)?.request("endUnanswered", this.secrets.params(call));
  }

  /** Tells all processes, and those after them, that an invitation was revoked. */
  async revoke(invitationId: string): Promise<void> {
    const revoked = this.#init.revoked();
    const processes = [this.main, ...this.#processes.values()];
    await Promise.all(processes.map((process) => process.revoke(revoked, invitationId)));
  }

  get #isIsolated(): boolean {
    return this.#init.settings.isolated;
  }

  #createProcess(onIdle: () => void): LocalProcess {
    const { settings, closing, denoPath, memoryLimit, clock, logger, revoked } = this.#init;
    const process: LocalProcess = new LocalProcess({
      settings: { ...settings, revoked: revoked() },
      closing,
      denoPath,
      memoryLimit,
      clock,
      logger,
      onMessage: (message) => this.#onMessage(message),
      onReplaced: (request) => this.#reopen(process, request),
      onRefused: (refused) => this.#onRefused(process, refused),
      onLost: (error) => this.#onLost(process, error),
      onIdle,
    });
    return process;
  }

  #onMessage(message: JsonValue): void {
    const parsed = v.parse(childMessage, message);
    if (parsed.type === "listenerLost") {
      const error = new EdgeError(parsed.message, { code: "listener-lost", retryable: true });
      return this.#report(error, "listening for pages");
    }
    const { type, ...params } = parsed;
    if (type === "callEnded") {
      const key = callKey({ type: params.callType, id: params.callId });
      this.secrets.delete(key);
      void this.release(key);
      return;
    }
    const call = this.secrets.add(params);
    const server = this.#init.server();
    if (this.#isIsolated || server?.asks) void this.#respondToStart(call, server);
    else server?.handleCall(call);
  }

  /** Lets a page into the call that it has started, unless the program does not take the call. */
  async #respondToStart(call: Call, server: RunningServer | undefined): Promise<void> {
    const response: { callId: string; origin?: string | null } = { callId: call.id };
    const key = callKey(call);
    const signal = this.#init.closing;
    // The page waits in this process, also when the server is closed meanwhile.
    const lease = await this.main.acquire({ signal }).catch(() => undefined);
    let isAccepted = false;
    try {
      isAccepted = lease !== undefined && await server?.accepts(call) === true;
      if (!isAccepted) response.origin = null;
      // Opened in a process of its own, where the page goes on.
      else if (this.#isIsolated) {
        response.origin = (await this.open(call, { isAwaited: true })).origin;
      }
    } catch (error) {
      response.origin = null;
      this.#report(error, `starting ${call.id}`);
    }
    const isLetIn = await lease?.request("started", response, { signal, idempotent: true })
      .catch(() => false) === true;
    if (isLetIn) {
      if (!this.#isIsolated && !this.#init.isJoined(call) && !this.#opened.has(key)) {
        this.#opened.set(key, lease!);
      } else await lease?.release();
      return server?.handleCall(call, { isAccepted });
    }
    this.secrets.delete(key);
    if (isAccepted) server?.dropCall(call);
    await Promise.all([this.release(key), lease?.release()]);
  }

  /** Opens in another process what was open in the last one, beside the calls of agents. */
  async #reopen(process: LocalProcess, request: MediaLease["request"]): Promise<void> {
    try {
      for (const call of this.#openedOn(process)) {
        // It may have ended meanwhile.
        if (this.#opened.has(callKey(call))) await request("open", this.secrets.params(call));
      }
      const server = this.#init.server();
      if (server && process === this.main) await request("serve", server.params);
    } finally {
      // Pages that come back wait for this.
      await request("reopened", null);
    }
  }

  /** The calls that are open in a process although no agent has joined them. */
  #openedOn(process: LocalProcess): Call[] {
    const calls = [...this.#opened.keys()].map((key) => {
      const { type, id } = callName(key);
      return this.secrets.call(type, id);
    });
    return calls.filter((call) => this.existingProcessOf(call) === process);
  }

  /** A user's messages, or those of several of a call, ended a media process twice. */
  #onRefused(process: LocalProcess, { type, id, userId }: Suspect): void {
    if (userId === undefined) return void this.release(callKey({ type, id }));
    process.refuse({ type, id, userId });
    const error = new EdgeError(
      `what the user ${userId} sent ended the media process twice: they are refused in ${type}:${id}`,
      { code: "participant-refused" },
    );
    this.#report(error, "replacing the media process");
  }

  #onLost(process: LocalProcess, error: EdgeError): void {
    for (const call of this.#openedOn(process)) void this.release(callKey(call));
    if (process === this.main) this.#init.server()?.restart(error);
  }

  #report(error: unknown, context: string): void {
    this.#init.events.emit(new ErrorEvent({ error, context }));
  }
}
