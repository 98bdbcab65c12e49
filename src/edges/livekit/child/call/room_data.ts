/** The data of a room's participants: custom events, texts, keys of telephones. @module */
import type { DataPacket } from "@livekit/protocol";
import type { ConnectionMessage } from "@ringline/edge/media/child";
import {
  checkWrittenText,
  type Clock,
  DropCounter,
  EdgeError,
  type JsonValue,
} from "@ringline/edge/toolkit";
import type { IpcMessage } from "../../wire/ipc.ts";
import type { CallRoster } from "./call_roster.ts";
import { HeldPackets } from "./held_packets.ts";
import type { MethodCalls } from "./method_calls.ts";
import { isKey } from "./telephone_keys.ts";
import { TextReader } from "./text_streams.ts";

/** The topic of what people write. */
const CHAT = "lk.chat";
/** The topic by which LiveKit's components repeat a text of `lk.chat` for clients of before. */
const CHAT_OF_BEFORE = "lk-chat-topic";

/** The most of an identity that an error shows. */
const MAX_SHOWN = 256;

/** What {@linkcode RoomData} needs. */
export interface RoomDataInit {
  roster: Pick<CallRoster, "member">;
  clock: Clock;
  emit: (message: ConnectionMessage) => void;
  emitEdge: (message: IpcMessage) => void;
  /** Takes calls of methods, and responses. */
  methods: Pick<MethodCalls, "receive">;
  onError: (error: unknown, context: string) => void;
}

/** Reads packets of data. */
export class RoomData {
  readonly #options: RoomDataInit;
  readonly #texts: TextReader;
  readonly #unread: DropCounter;
  readonly #tooLong: DropCounter;
  #lastTooLong = "";
  readonly #held: HeldPackets;
  #hasReportedEncryption = false;

  constructor(options: RoomDataInit) {
    this.#options = options;
    this.#texts = new TextReader(CHAT, (identity) => this.#dropText(identity));
    this.#tooLong = new DropCounter(options.clock, (dropped) => {
      const who = this.#lastTooLong.slice(0, MAX_SHOWN);
      this.#report(
        "too-long",
        dropped === 1 ? `a text of ${who}` : `${dropped} texts, also of ${who}`,
      );
    });
    this.#unread = new DropCounter(options.clock, (dropped) => {
      this.#report("not-json", `${dropped} packets of data that are not JSON`);
    });
    const strange = new DropCounter(options.clock, (dropped) => {
      this.#report("unknown-sender", `${dropped} packets of data of those who are not in the room`);
    });
    this.#held = new HeldPackets(options.clock, () => strange.add());
  }

  /** Takes a packet. What comes before its author is announced waits for that. */
  receive(packet: DataPacket): void {
    const { participantIdentity: identity, value } = packet;
    const isCall = value.case?.startsWith("rpc") ?? false;
    if (identity !== "" && !isCall && !this.#options.roster.member(identity)) {
      return this.#held.hold(packet);
    }
    this.release();
    this.#read(packet);
  }

  /** There may be new participants: takes what came before them. */
  release(): void {
    const { roster } = this.#options;
    for (const packet of this.#held.take((one) => roster.member(one) !== undefined)) {
      this.#read(packet);
    }
  }

  /** Takes nothing any more. Idempotent. */
  close(): void {
    this.#held.close();
  }

  #read({ participantIdentity: identity, value }: DataPacket): void {
    const participantId = this.#options.roster.member(identity)?.participantId;
    switch (value.case) {
      case "user":
        if (value.value.topic === CHAT_OF_BEFORE) return;
        return this.#receiveEvent(value.value.payload, participantId);
      case "chatMessage":
        return this.#receiveText(value.value.message, identity);
      case "sipDtmf":
        return this.#receiveKey(value.value.digit, participantId);
      case "rpcRequest":
      case "rpcAck":
      case "rpcResponse":
        return this.#options.methods.receive(value, identity, participantId);
      case "encryptedPacket":
        if (this.#hasReportedEncryption) return;
        this.#hasReportedEncryption = true;
        return this.#report("encrypted", "encrypted data, which this edge cannot read");
      default: {
        const received = this.#texts.read(identity, value);
        if (received) this.#receiveText(received.text, identity);
      }
    }
  }

  #receiveEvent(payload: Uint8Array, participantId: string | undefined): void {
    let data: JsonValue;
    try {
      data = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
    } catch {
      return this.#unread.add();
    }
    this.#options.emit({ type: "customEvent", data, participantId });
  }

  /** One key a packet, as telephones press them: a text of many would be as many messages. */
  #receiveKey(digit: string, participantId: string | undefined): void {
    if (!participantId || !isKey(digit)) return;
    this.#options.emitEdge({ type: "dtmf", participantId, digit });
  }

  #receiveText(text: string, identity: string): void {
    const participantId = this.#options.roster.member(identity)?.participantId;
    if (participantId === undefined) return;
    try {
      checkWrittenText(text);
    } catch {
      // A blank one is none.
      if (text.trim() !== "") this.#dropText(identity);
      return;
    }
    this.#options.emit({ type: "text", text, participantId });
  }

  #dropText(identity: string): void {
    this.#lastTooLong = identity;
    this.#tooLong.add();
  }

  #report(code: string, what: string): void {
    this.#options.onError(new EdgeError(`dropped ${what}`, { code }), "receiving data");
  }
}
