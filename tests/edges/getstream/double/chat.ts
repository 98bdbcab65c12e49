/** The chat of the double: the channels and messages that a conversation uses. @module */

import type { Body } from "./body.ts";

export interface ChatMessage {
  id: string;
  text: string;
  user_id: string;
  custom: Record<string, unknown>;
}

/** A write. */
export interface ChatWrite {
  kind: "create" | "ephemeral" | "final" | "delete";
  id: string;
  text: string;
  custom: Record<string, unknown>;
}

/** A request below `/api/v2/chat`. */
export interface ChatRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  /** The user whose token it has; `undefined`: the app itself asks. */
  userId: string | undefined;
}

/** The longest text of a message. */
const MOST_CHARACTERS = 5000;

export class Chat {
  readonly channels = new Map<
    string,
    { members: Set<string>; messages: Map<string, ChatMessage> }
  >();
  readonly writes: ChatWrite[] = [];

  /** Handles a request; returns a status and a body. */
  handle({ method, path, query, body, userId }: ChatRequest): [number, unknown] {
    const b = (body ?? {}) as Body;
    // Whose name an app writes in it says; a user writes in their own.
    const said = b.data?.created_by_id ?? b.message?.user_id ?? b.user_id;
    if (userId !== undefined && said !== undefined) {
      return [400, { code: 4, message: "a user is named by their token" }];
    }
    const author = userId ?? said;
    const [kind = "", type = "", id = "", action = ""] = path.split("/");
    if (kind === "channels") {
      if (type !== "messaging") return [400, { code: 4, message: "an unknown channel type" }];
      if (action === "query" && method === "POST") {
        if (!this.channels.has(id)) {
          if (!author) {
            return [400, { code: 4, message: "created_by_id is missing" }];
          }
          this.channels.set(id, { members: new Set(), messages: new Map() });
        }
        for (const { user_id } of b.data?.members ?? []) {
          this.channels.get(id)!.members.add(user_id);
        }
        return [201, { channel: { id }, messages: [], members: [] }];
      }
      const channel = this.channels.get(id);
      if (!channel) return [404, { code: 16, message: "the channel does not exist" }];
      if (action === "" && method === "POST") {
        for (const { user_id } of b.add_members ?? []) channel.members.add(user_id);
        return [201, { channel: { id }, members: [] }];
      }
      if (action === "message" && method === "POST") {
        const { id: messageId, text, custom = {} } = b.message ?? {};
        const user_id = author;
        if (!messageId || !user_id || typeof text !== "string") {
          return [400, { code: 4, message: "a message needs id, text and user_id" }];
        }
        if (text.length > MOST_CHARACTERS) return [400, { code: 4, message: "too long" }];
        if (this.#find(messageId)) return [400, { code: 4, message: "a message exists already" }];
        channel.messages.set(messageId, { id: messageId, text, user_id, custom });
        this.writes.push({ kind: "create", id: messageId, text, custom });
        return [201, { message: { id: messageId, text }, duration: "1ms" }];
      }
    }
    if (kind === "messages") {
      const found = this.#find(type);
      if (!found) return [404, { code: 4, message: "the message does not exist" }];
      if (method === "DELETE") {
        if ((query.get("hard") === "true") !== (userId === undefined)) {
          return [400, { code: 4, message: "apps delete for good, users do not" }];
        }
        found.messages.delete(type);
        this.writes.push({ kind: "delete", id: type, text: "", custom: {} });
        return [200, { message: { id: type } }];
      }
      const isEphemeral = method === "PATCH" && id === "ephemeral";
      if (!isEphemeral && method !== "PUT") return [405, { code: 4, message: "not so" }];
      const { text = found.message.text, ...custom } = b.set ?? {};
      if (isEphemeral && userId !== undefined) return [403, { code: 17, message: "for servers" }];
      if (!author) return [400, { code: 4, message: "user_id is missing" }];
      this.writes.push({ kind: isEphemeral ? "ephemeral" : "final", id: type, text, custom });
      Object.assign(found.message, { text, custom: { ...found.message.custom, ...custom } });
      return [200, { message: { id: type, text } }];
    }
    return [404, { code: 16, message: "no such path" }];
  }

  #find(id: string) {
    for (const { messages } of this.channels.values()) {
      const message = messages.get(id);
      if (message) return { message, messages };
    }
    return undefined;
  }
}
