/**
 * The media process's side of the hop's measurement: it sends as many participants as asked for,
 * whose slots carry the time at which they were complete.
 *
 * @module
 */
import type { AgentConnection, EdgeChild } from "../src/media/child/contract.ts";
import { runMediaChild } from "../src/media/child/child.ts";
import { SLOT_MS } from "../src/audio/grid.ts";
import type { JsonValue } from "../src/edge/types.ts";
import { sinceStamp, stamp } from "./hop_stamp.ts";

class HopHost implements EdgeChild {
  #port: AgentConnection | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** How long each slot that the agent said was on its way. */
  readonly #heard: number[] = [];

  join(port: AgentConnection, params: JsonValue): Promise<JsonValue> {
    const { participants } = params as { participants: number };
    this.#port = port;
    for (let index = 0; index < participants; index++) {
      const id = `p${index}`;
      port.send({
        type: "participantJoined",
        participant: { id, userId: id, name: id, kind: "person" },
      });
      port.rowQueue.addSource(`t${index}`, id);
    }
    port.playout.onArrival = () => this.#hear(port);
    this.#speak(port, participants);
    return Promise.resolve(null);
  }

  publish(): Promise<void> {
    return Promise.resolve();
  }
  videoTrack(): undefined {}
  sendCustomEvent(): Promise<void> {
    return Promise.resolve();
  }

  leave(): Promise<void> {
    clearTimeout(this.#timer);
    return Promise.resolve();
  }

  request(): Promise<JsonValue> {
    return Promise.resolve(this.#heard.splice(0));
  }

  goodbye(): Promise<void> {
    return Promise.resolve();
  }

  /** One row every 20 ms, by a timer that does not drift. */
  #speak(port: AgentConnection, participants: number): void {
    const slot = new Int16Array(port.rowQueue.slotSamples);
    const start = performance.now();
    let row = 0;
    const tick = () => {
      stamp(slot);
      for (let index = 0; index < participants; index++) {
        port.rowQueue.write(`t${index}`, slot, row);
      }
      port.rowQueue.complete(row++);
      port.onTick(2 * row + 1);
      const due = start + row * SLOT_MS;
      this.#timer = setTimeout(tick, Math.max(0, due - performance.now()));
    };
    tick();
  }

  #hear(port: AgentConnection): void {
    const first = port.playout.read();
    if (first === undefined) return;
    this.#heard.push(sinceStamp(first));
    // The second half of the 20 ms.
    port.playout.read();
  }
}

if (import.meta.main) await runMediaChild(() => new HopHost());
