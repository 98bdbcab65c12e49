/** Faults of the signal server's next calls. @module */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ErrorSchema } from "../../../../../src/edges/getstream/child/proto/signal_pb.ts";

/** One fault: a status of HTTP, or an error in the answer. */
export interface RpcFault {
  status: number;
  error: MessageInitShape<typeof ErrorSchema>;
}

/** The faults of the next calls, by method. */
export class RpcFaults {
  readonly #next: { method: string; fault: RpcFault; times: number }[] = [];

  /** Sets the fault of so many calls of a method. */
  add(method: string, fault: RpcFault, times: number): void {
    this.#next.push({ method, fault, times });
  }

  /** Removes the faults of a method. */
  clear(method: string): void {
    const others = this.#next.filter((one) => one.method !== method);
    this.#next.splice(0, Infinity, ...others);
  }

  /** Returns the fault of this call. */
  take(method: string): RpcFault | undefined {
    const index = this.#next.findIndex((one) => one.method === method);
    const found = this.#next[index];
    if (!found) return undefined;
    if (--found.times <= 0) this.#next.splice(index, 1);
    return found.fault;
  }
}
