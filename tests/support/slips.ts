/** What a function of a user's may do instead of what its type says, and what came of it. */
import { assertEquals } from "@std/assert";
import { describeError } from "../../src/events/error_text.ts";

export type SlipName =
  | "throws"
  | "rejects"
  | "never settles"
  | "a number"
  | "a promise of a number"
  | "then throws"
  | "reading then throws"
  | UnreadableName;

/** Failures whose reason cannot be made into a text, or says nothing. */
export type UnreadableName =
  | "throws nothing"
  | "throws a symbol"
  | "rejects with an object that is no text"
  | "throws an error that cannot be read"
  | "rejects with a revoked proxy";

const error = (): Error => new Error("a slip");

/** What `String` and a template fail at, or where there is nothing to read. */
export const unreadable = {
  object: (): unknown => Object.create(null),
  error: (): unknown =>
    Object.defineProperty(new Error(), "message", {
      get() {
        throw new Error("not even this");
      },
    }),
  proxy: (): unknown => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
};

/** Each a function in place of another. */
export const slips: Readonly<Record<SlipName, () => unknown>> = {
  "throws": () => {
    throw error();
  },
  "rejects": () => Promise.reject(error()),
  "never settles": () => new Promise(() => {}),
  "a number": () => 5,
  "a promise of a number": () => Promise.resolve(5),
  "then throws": () => ({
    then() {
      throw error();
    },
  }),
  "reading then throws": () => ({
    get then() {
      throw error();
    },
  }),
  "throws nothing": () => {
    throw undefined;
  },
  "throws a symbol": () => {
    throw Symbol("a slip");
  },
  "rejects with an object that is no text": () => Promise.reject(unreadable.object()),
  "throws an error that cannot be read": () => {
    throw unreadable.error();
  },
  "rejects with a revoked proxy": () => Promise.reject(unreadable.proxy()),
};

/** Those of the slips whose reason is no error that can be read. */
export const unreadableNames: readonly UnreadableName[] = [
  "throws nothing",
  "throws a symbol",
  "rejects with an object that is no text",
  "throws an error that cannot be read",
  "rejects with a revoked proxy",
];

/** The other slips. */
export const slipNames = (Object.keys(slips) as SlipName[])
  .filter((one) => !(unreadableNames as readonly SlipName[]).includes(one));

/** Those that are failures whatever the function is for. */
export const failures: readonly SlipName[] = [
  "throws",
  "rejects",
  "then throws",
  "reading then throws",
];

/** The methods of an interface by name, those that may be left out too. */
export type MethodsOf<T> = {
  [K in keyof T]-?: NonNullable<T[K]> extends (...args: never[]) => unknown ? K : never;
}[keyof T];

/** Notes every rejection that nobody sees to, which would end a program. */
export class UnhandledRejections implements Disposable {
  readonly #seen: unknown[] = [];
  readonly #note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    this.#seen.push(event.reason);
  };

  constructor() {
    globalThis.addEventListener("unhandledrejection", this.#note);
  }

  /** Fails where there was one. */
  async assertNone(what: string): Promise<void> {
    // They are told a turn after they happened.
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(this.#seen.splice(0).map(describeError), [], `${what}: nobody saw to this`);
  }

  [Symbol.dispose](): void {
    globalThis.removeEventListener("unhandledrejection", this.#note);
  }
}

/** Transfers a view's buffer away, as `postMessage(view, [view.buffer])` to a worker does. */
export function transferAway(view: ArrayBufferView): void {
  structuredClone(view, { transfer: [view.buffer as ArrayBuffer] });
}
