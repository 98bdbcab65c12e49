/** The hook `history` of a handoff: a change of the agent that is made in it would wait for itself. @module */
import type { HandoffHistory } from "../inference/pipelines/pipeline.ts";

/** A call of a hook. */
interface HookCall {
  /** Whose handoff waits for it, while it runs. */
  runningFor: object | undefined;
}

/** The part of Node's `AsyncLocalStorage` in use; as elsewhere, the module is loaded on first use. */
interface Storage {
  run<R>(call: HookCall, act: () => R): R;
  getStore(): HookCall | undefined;
}

const { process } = globalThis as unknown as {
  process: { getBuiltinModule(id: "node:async_hooks"): { AsyncLocalStorage: new () => Storage } };
};

/** Holds the call of a hook in which code runs; there is none before the first. */
let calls: Storage | undefined;

/** Returns the hook, in whose calls `isInHook` says for whom they are. */
export function followedHook(history: HandoffHistory, owner: object): HandoffHistory {
  if (typeof history !== "function") return history;
  const storage = calls ??= new (process.getBuiltinModule("node:async_hooks").AsyncLocalStorage)();
  return (messages) => {
    const call: HookCall = { runningFor: owner };
    return storage.run(call, async () => {
      try {
        return await history(messages);
      } finally {
        call.runningFor = undefined;
      }
    });
  };
}

/** Whether the code that runs was called by a hook of this owner that still runs. */
export function isInHook(owner: object): boolean {
  return calls?.getStore()?.runningFor === owner;
}
