/** A reply of a realtime model of the AI SDK: its audio, and its calls of tools. @module */
import { PcmChunk } from "@ringline/edge/audio";
import type { RawItem } from "./service.ts";

/** The rate of audio in both directions, in samples a second. */
export const SAMPLE_RATE = 24_000;

/** What is known of a reply. */
export class AiSdkReply {
  /** Milliseconds of audio of each item, in the order in which they came. */
  readonly #audioMs = new Map<string, number>();
  /** The calls that were begun and are not whole, by id. */
  readonly #begun = new Map<string, string>();
  readonly #called = new Set<string>();
  #odd: number | undefined;

  constructor(readonly id: string) {}

  /** Returns the whole samples of more audio; keeps half a sample for the next call. */
  push(itemId: string, bytes: Uint8Array): PcmChunk {
    const all = this.#odd === undefined ? bytes : Uint8Array.of(this.#odd, ...bytes);
    this.#odd = all.length % 2 === 0 ? undefined : all.at(-1);
    const samples = new Int16Array(all.slice(0, all.length & ~1).buffer);
    const pcm = new PcmChunk(samples, { sampleRate: SAMPLE_RATE });
    this.#audioMs.set(itemId, (this.#audioMs.get(itemId) ?? 0) + pcm.durationMs);
    return pcm;
  }

  /** Notes an item that has begun. */
  begin(item: RawItem | undefined): void {
    if (item?.type === "function_call" && item.call_id && item.name) {
      this.#begun.set(item.call_id, item.name);
    }
  }

  /** Takes a call of a tool; returns whether it is a new one. */
  takeCall(id: string): boolean {
    this.#begun.delete(id);
    if (this.#called.has(id)) return false;
    this.#called.add(id);
    return true;
  }

  /** The calls that were begun and did not become whole. */
  get cutCalls(): { id: string; name: string }[] {
    return [...this.#begun].map(([id, name]) => ({ id, name }));
  }

  /** Returns what is to be cut off its items, of which `heardMs` were heard in all. */
  cut(heardMs: number): { itemId: string; audioEndMs: number }[] {
    let leftMs = heardMs;
    const cuts: { itemId: string; audioEndMs: number }[] = [];
    for (const [itemId, audioMs] of this.#audioMs) {
      const kept = Math.min(audioMs, Math.max(0, leftMs));
      leftMs -= audioMs;
      // Nothing at all cannot be kept: services refuse that.
      if (kept < audioMs) cuts.push({ itemId, audioEndMs: Math.max(1, Math.floor(kept)) });
    }
    return cuts;
  }
}
