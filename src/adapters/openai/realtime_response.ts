/** A response of OpenAI's realtime protocol, as it comes. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { PcmBytes } from "../service/pcm_bytes.ts";
import { conversationItems } from "./realtime_items.ts";
import { REALTIME_FORMAT } from "./realtime_protocol.ts";

/** The audio of one item. */
interface ItemAudio {
  readonly contentIndex: number;
  readonly pcm: PcmBytes;
  ms: number;
}

/** A change of what the service remembers of a response. */
export type ItemCut =
  | {
    readonly type: "conversation.item.truncate";
    readonly item_id: string;
    readonly content_index: number;
    readonly audio_end_ms: number;
  }
  | { readonly type: "conversation.item.delete"; readonly item_id: string }
  | {
    readonly type: "conversation.item.create";
    readonly previous_item_id: string;
    readonly item: ReturnType<typeof conversationItems>[number];
  };

/** A response: the audio of its items, in their order, and the ids of its calls. */
export class RealtimeResponse {
  readonly id: string;
  /** The calls that were passed on. */
  readonly callIds = new Set<string>();
  readonly #items = new Map<string, ItemAudio>();
  /** The text of each item, of a response without audio. */
  readonly #texts = new Map<string, string>();

  constructor(id: string) {
    this.id = id;
  }

  /** Takes bytes of an item's audio. */
  push(
    { item_id, content_index, delta }: { item_id: string; content_index: number; delta: string },
  ): PcmChunk {
    const item = this.#items.get(item_id) ??
      { contentIndex: content_index, pcm: new PcmBytes(REALTIME_FORMAT.rate), ms: 0 };
    this.#items.set(item_id, item);
    const pcm = item.pcm.push(Uint8Array.fromBase64(delta));
    item.ms += pcm.durationMs;
    return pcm;
  }

  /** Takes more of an item's text, of a response without audio. */
  write({ item_id, delta }: { item_id: string; delta: string }): void {
    this.#texts.set(item_id, (this.#texts.get(item_id) ?? "") + delta);
  }

  /**
   * Returns how the service's memory of it is cut down to the words that were heard. A text cannot be
   * truncated: another one takes its place.
   */
  cutText(heard: string): ItemCut[] {
    const cuts: ItemCut[] = [];
    let at = 0;
    for (const [item_id, text] of this.#texts) {
      const kept = heard.slice(at, at + text.length);
      at += text.length;
      if (kept.trimEnd() === text.trimEnd()) continue;
      for (const item of conversationItems({ role: "assistant", text: kept })) {
        cuts.push({ type: "conversation.item.create", previous_item_id: item_id, item });
      }
      cuts.push({ type: "conversation.item.delete", item_id });
    }
    return cuts;
  }

  /**
   * Returns how the service's memory of it is cut down to the audio that was heard. The service refuses
   * to truncate an item to nothing, and to more than it has.
   */
  cut(heardMs: number): ItemCut[] {
    const cuts: ItemCut[] = [];
    let leftMs = heardMs;
    for (const [item_id, { contentIndex: content_index, ms }] of this.#items) {
      const audio_end_ms = Math.floor(Math.max(0, leftMs));
      if (audio_end_ms === 0) cuts.push({ type: "conversation.item.delete", item_id });
      else if (audio_end_ms < Math.floor(ms)) {
        cuts.push({ type: "conversation.item.truncate", item_id, content_index, audio_end_ms });
      }
      leftMs -= ms;
    }
    return cuts;
  }
}
