/**
 * The media process from inside: the wire on its standard streams, its start and its end. What it
 * does is up to the edge whose child side it runs.
 *
 * @module
 */
// Again, for a main module that does not import it first.
import "./leave_signals.ts";
import { ProtocolError } from "../../edge/errors.ts";
import { systemClock } from "../../events/clock.ts";
import { loadKernel } from "../../native/mod.ts";
import { readFragmentStream } from "../wire/video_frames.ts";
import { readAgentAudio } from "../wire/audio_frames.ts";
import {
  type LogLevel,
  MalformedMessageError,
  type MemoryLimit,
  readToChild,
  type ToChild,
  type ToParent,
} from "../wire/control.ts";
import { FrameKind } from "../wire/frame.ts";
import { type Frame, FrameParser } from "../wire/frame_parser.ts";
import { FrameWriter } from "../wire/frame_writer.ts";
import type { ChildContext, EdgeChild } from "./contract.ts";
import { PictureTurns } from "./picture_turns.ts";
import { Dispatcher } from "./dispatcher.ts";
import { claimStdio } from "./stdio.ts";
import { toWireError } from "./wire_error.ts";
import { messageOf } from "../../events/error_text.ts";
import { BEAT_MS } from "../../events/heartbeat.ts";

/** How long goodbyes may take: the process is gone 500 ms after its input ended. */
const GOODBYE_MS = 350;

/** Exit codes, which say why a process ended. */
const EXIT_DONE = 0;
const EXIT_FAILED = 70;
const EXIT_GARBAGE = 76;

/**
 * Runs an edge's child side in this process until the agent's program closes its end of the pipe.
 * Must be called by the main module of a process that `MediaProcess` started; never returns.
 *
 * @param create creates the edge's child side; when it throws, the process ends with that error
 */
export async function runMediaChild(
  create: (context: ChildContext) => EdgeChild | Promise<EdgeChild>,
): Promise<never> {
  const { read, write } = claimStdio();
  const run = new ChildRun(create, write);
  const code = await run.untilEnd(read);
  // The only way to end a process that has used wrtc without a crash.
  Deno.exit(code);
}

/** One run of the process: reads the wire and ends with an exit code. */
class ChildRun {
  readonly #create: (context: ChildContext) => EdgeChild | Promise<EdgeChild>;
  readonly #writer: FrameWriter;
  readonly #parser: FrameParser;
  readonly #broken = Promise.withResolvers<number>();
  #dispatcher: Dispatcher | undefined;
  #edge: Promise<EdgeChild> | undefined;
  /** The wire is unusable: only log lines still go to the agent's program. */
  #failed = false;
  #isBeating = false;

  constructor(
    create: (context: ChildContext) => EdgeChild | Promise<EdgeChild>,
    write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  ) {
    this.#create = create;
    // A pipe that is not read any more means the same as the end of the input.
    this.#writer = new FrameWriter(write, () => this.#broken.resolve(EXIT_DONE));
    this.#parser = new FrameParser((frame) => this.#onFrame(frame));
  }

  /** Resolves with the exit code. */
  async untilEnd(
    read: (buffer: Uint8Array<ArrayBuffer>) => Promise<number | null>,
  ): Promise<number> {
    const code = await Promise.race([this.#readAll(read), this.#broken.promise]);
    // The agents see the process end, and must not see their calls end too, although the edge ends
    // them in order to say goodbye to the participants.
    this.#failed = code !== EXIT_DONE;
    await this.#goodbye();
    return code;
  }

  async #readAll(
    read: (buffer: Uint8Array<ArrayBuffer>) => Promise<number | null>,
  ): Promise<number> {
    try {
      while (true) {
        const count = await read(this.#parser.space());
        if (count === null) return EXIT_DONE;
        this.#parser.commit(count);
      }
    } catch (error) {
      console.error(`media process: ${messageOf(error)}`);
      return error instanceof ProtocolError ? EXIT_GARBAGE : EXIT_FAILED;
    }
  }

  #onFrame(frame: Frame): void {
    if (frame.kind === FrameKind.control) this.#onControl(frame);
    else if (frame.kind === FrameKind.agentAudio) {
      this.#started().onAgentAudio(readAgentAudio(frame));
    } else if (frame.kind === FrameKind.video) {
      this.#started().onFragment(frame, readFragmentStream(frame));
    } else {
      throw new ProtocolError(`unexpected frame kind ${frame.kind} in this direction`, {
        code: "wire-garbage",
      });
    }
  }

  #onControl(frame: Frame): void {
    let message: ToChild;
    try {
      message = readToChild(frame);
    } catch (error) {
      const isFirst = this.#dispatcher === undefined;
      if (isFirst && error instanceof ProtocolError && error.code === "wire-version") {
        return void this.#fail(error);
      }
      // One malformed message must not end other calls. Before the start there are none, and a
      // malformed start ends the process.
      if (!(error instanceof MalformedMessageError) || isFirst) throw error;
      const id = error.requestId;
      if (id === undefined) this.#send({ type: "log", level: "error", message: error.message });
      else this.#send({ type: "reply", id, error: toWireError(error) });
      return;
    }
    if (message.type === "start") this.#start(message);
    else this.#started().onMessage(message);
  }

  #started(): Dispatcher {
    if (this.#dispatcher !== undefined) return this.#dispatcher;
    throw new ProtocolError("the wire carried a message before the start", {
      code: "wire-garbage",
    });
  }

  #start({ config, memoryLimit, replaces }: ToChild & { type: "start" }): void {
    if (this.#dispatcher !== undefined) {
      throw new ProtocolError("the wire carried a second start", { code: "wire-garbage" });
    }
    const log = (level: LogLevel, message: string) => this.#send({ type: "log", level, message });
    const kernel = loadKernel({ logger: (line) => log("info", line) });
    const dispatcher = this.#dispatcher = new Dispatcher({
      clock: systemClock,
      writer: this.#writer,
      turns: new PictureTurns(systemClock),
      send: (message) => this.#send(message),
      log,
    });
    const context: ChildContext = {
      config,
      clock: systemClock,
      kernel,
      replaces,
      handling: ({ id, type }, userId) => {
        this.#send({ type: "handling", call: { id, type }, userId });
        return this.#writer.controlWritten();
      },
      send: (message) => this.#send({ type: "edge", message }),
      log,
    };
    this.#edge = Promise.try(this.#create, context);
    this.#edge.then(
      (edge) => {
        dispatcher.open(edge);
        this.#send({ type: "ready", kernel: kernel.name });
        setInterval(() => this.#checkMemory(dispatcher, memoryLimit), memoryLimit.checkEveryMs);
        setInterval(() => this.#beat(), BEAT_MS);
      },
      (error) => this.#fail(error),
    );
  }

  /** One beat at a time: a program that is asleep must not find a thousand. */
  async #beat(): Promise<void> {
    if (this.#isBeating) return;
    this.#isBeating = true;
    this.#send({ type: "beat" });
    await this.#writer.controlWritten();
    this.#isBeating = false;
  }

  /** Says why this process cannot be used, and ends it. */
  async #fail(error: unknown): Promise<void> {
    this.#edge = undefined;
    this.#send({ type: "failed", error: toWireError(error) });
    await this.#writer.drained();
    this.#broken.resolve(EXIT_FAILED);
  }

  #checkMemory(dispatcher: Dispatcher, limit: MemoryLimit): void {
    if (!dispatcher.isEmpty) return;
    const rssBytes = Deno.memoryUsage().rss;
    if (rssBytes > limit.bytes) this.#send({ type: "memoryLimitExceeded", rssBytes });
  }

  #send(message: ToParent): void {
    if (this.#failed && message.type !== "log") return;
    this.#writer.control(message);
  }

  async #goodbye(): Promise<void> {
    if (this.#edge === undefined) return;
    const timeout = new Promise<void>((resolve) => setTimeout(resolve, GOODBYE_MS));
    try {
      this.#dispatcher?.close();
      await Promise.race([this.#edge.then((edge) => edge.goodbye()), timeout]);
    } catch (error) {
      console.error(`media process: goodbye failed: ${error}`);
    }
    this.#writer.close();
  }
}
