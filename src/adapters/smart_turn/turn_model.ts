/** The model's worker, and what it is asked, one thing after the other. @module */
import type { Answer, Request } from "./worker.ts";

/** A model that is loaded. */
export class TurnModel implements Disposable {
  readonly #worker: Worker;
  #answered = Promise.withResolvers<number>();
  #last: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;

  private constructor() {
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      if ("failure" in data) this.#answered.reject(new Error(data.failure));
      else this.#answered.resolve(data.probability);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end(new Error(event.message));
    };
  }

  /** Loads a model in a worker of its own, which the signal ends while it does. */
  static async load(model: Uint8Array, signal?: AbortSignal): Promise<TurnModel> {
    const loaded = new TurnModel();
    const end = () => loaded.#end(signal!.reason);
    signal?.addEventListener("abort", end);
    try {
      await loaded.#request({ model });
      return loaded;
    } catch (error) {
      loaded[Symbol.dispose]();
      throw error;
    } finally {
      signal?.removeEventListener("abort", end);
    }
  }

  /**
   * Returns how probable it is that a turn is over: 0 to 1. A question that is not of interest any more
   * when its turn comes is not asked.
   *
   * @param samples what was heard, mono at 16 kHz; they are not copied before their turn comes
   */
  ask(samples: Int16Array, signal: AbortSignal): Promise<number> {
    const answer = this.#last.then(() => {
      signal.throwIfAborted();
      return this.#request({ samples });
    });
    this.#last = answer.catch(() => {});
    return answer;
  }

  /** Ends the worker; whatever is being asked fails. */
  [Symbol.dispose](): void {
    this.#end(new Error("it was closed"));
  }

  #request(request: Request): Promise<number> {
    if (this.#failure) throw this.#failure;
    this.#answered = Promise.withResolvers<number>();
    this.#worker.postMessage(request);
    return this.#answered.promise;
  }

  #end(failure: Error): void {
    this.#failure ??= failure;
    this.#worker.terminate();
    // Where nothing is asked, nothing waits for it.
    this.#answered.promise.catch(() => {});
    this.#answered.reject(failure);
  }
}
