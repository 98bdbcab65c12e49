/** A worker as a program: signals, uncaught errors, progress and the exit code. @module */
import type { AgentWorker } from "./agent_worker.ts";
import { DrainingEvent } from "./events.ts";

/** The signals that stop a worker, and their numbers. */
const SIGNALS: readonly [Deno.Signal, number][] = Deno.build.os === "windows"
  ? [["SIGINT", 2], ["SIGBREAK", 21]]
  : [["SIGINT", 2], ["SIGTERM", 15]];
/** How long a program may go on after a signal has closed its worker. */
const EXIT_MS = 10_000;

/** The parts of the runtime that a program uses. */
export interface ProgramRuntime {
  onSignal(signal: Deno.Signal, act: () => void): Disposable;
  onUncaught(act: (error: unknown) => void): Disposable;
  print(line: string): void;
  /** The code that the program would end with now. */
  readonly exitCode: number;
  /** Ends the program. */
  exit(code: number): void;
  /** Calls `act` after this time if the program still runs then, and the result is not disposed. */
  afterwards(act: () => void, ms: number): Disposable;
}

/** A worker that is what its program is for. Disposing it leaves the program as it was. */
export interface WorkerProgram extends Disposable {
  /** Whether a signal has asked it to stop. */
  readonly isStopping: boolean;
}

/** Runs a worker as what the program is for, until it is closed. */
export function runAsProgram(
  worker: AgentWorker,
  runtime: ProgramRuntime = denoRuntime,
): WorkerProgram {
  const stack = new DisposableStack();
  let ending: Disposable | undefined;
  let isStopping = false;
  for (const [signal, number] of SIGNALS) {
    const onSignal = (): void => {
      if (isStopping) return runtime.exit(128 + number);
      isStopping = true;
      runtime.print(
        `${signal}: taking no more jobs (a second signal ends the program immediately)`,
      );
      void worker.drain();
    };
    stack.use(runtime.onSignal(signal, onSignal));
  }
  stack.use(runtime.onUncaught((error) => worker.takeUncaught(error)));
  stack.use(worker.events.subscribe(DrainingEvent, ({ calls, leftMs }) => {
    const count = calls === 1 ? "1 call goes on" : `${calls} calls go on`;
    const until = calls > 0 && leftMs !== Infinity
      ? `, for ${Math.ceil(leftMs / 1000)} s at most`
      : "";
    runtime.print(`stopping: ${count}${until}`);
  }));
  void worker.closed.then(() => {
    if (stack.disposed) return;
    stack.dispose();
    // Without a signal the application has closed it, and may have more to do.
    if (!isStopping) return;
    ending = runtime.afterwards(() => {
      runtime.print("the worker is closed, but something keeps the program running: it is ended");
      runtime.exit(runtime.exitCode);
    }, EXIT_MS);
  });
  return {
    get isStopping() {
      return isStopping;
    },
    [Symbol.dispose]: () => {
      stack.dispose();
      ending?.[Symbol.dispose]();
    },
  };
}

const denoRuntime: ProgramRuntime = {
  onSignal(signal, act) {
    Deno.addSignalListener(signal, act);
    return { [Symbol.dispose]: () => Deno.removeSignalListener(signal, act) };
  },
  onUncaught,
  print: (line) => console.log(line),
  get exitCode() {
    return Deno.exitCode;
  },
  exit: (code) => Deno.exit(code),
  afterwards(act, ms) {
    const timer = setTimeout(act, ms);
    Deno.unrefTimer(timer);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** Calls `act` with each error that no promise shows and no handler takes, in place of ending the program. */
export function onUncaught(act: (error: unknown) => void): Disposable {
  const onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    act(event.reason);
  };
  const onError = (event: ErrorEvent): void => {
    event.preventDefault();
    act(event.error);
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return {
    [Symbol.dispose]: () => {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onError);
    },
  };
}
