/** Does asynchronous things one after the other; none keeps those behind it from being done. */
export class TaskQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when all before it are done; gives its result. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}
