/**
 * Telephones for tests: what LiveKit's SIP service would be asked for is answered here, with the requests
 * read and the responses written as LiveKit's own types; the guests of a page are the telephones that then
 * join or leave the rooms of a real server, which all other requests reach.
 */
import {
  CreateSIPParticipantRequest,
  SIPParticipantInfo,
  TransferSIPParticipantRequest,
} from "@livekit/protocol";
import { delay } from "@std/async/delay";

/** The numbers of tests. */
export const NUMBERS = { answered: "+490", busy: "+491", ringing: "+492" };

/** Options for {@linkcode Telephones.start}. */
export interface TelephonesOptions {
  /** The port of the real server. */
  port: number;
  /** A telephone is answered: it joins the room. */
  onAnswered: (room: string, identity: string) => Promise<unknown>;
  /** A telephone is transferred: it leaves. */
  onTransferred: (room: string, identity: string) => Promise<unknown>;
}

/** The API of a server with telephones, until it is disposed. */
export class Telephones implements AsyncDisposable {
  readonly #options: TelephonesOptions;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #closing = new AbortController();

  constructor(options: TelephonesOptions) {
    this.#options = options;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#respond(request),
    );
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#server.shutdown();
  }

  async #respond(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const body = await request.text();
    switch (pathname) {
      case "/twirp/livekit.SIP/CreateSIPParticipant": {
        const { roomName, participantIdentity, sipCallTo, sipTrunkId, waitUntilAnswered } =
          CreateSIPParticipantRequest.fromJsonString(body);
        if (sipTrunkId !== "ST_test" || !waitUntilAnswered) return refusal(400, "bad request");
        if (sipCallTo === NUMBERS.busy) return busy();
        if (sipCallTo === NUMBERS.ringing) return await this.#ring();
        await this.#options.onAnswered(roomName, participantIdentity);
        const info = new SIPParticipantInfo({ roomName, participantIdentity });
        return new Response(info.toJsonString());
      }
      case "/twirp/livekit.SIP/TransferSIPParticipant": {
        const { roomName, participantIdentity, transferTo } = TransferSIPParticipantRequest
          .fromJsonString(body);
        if (transferTo === `tel:${NUMBERS.busy}`) return busy();
        await this.#options.onTransferred(roomName, participantIdentity);
        return new Response("{}");
      }
      default:
        // It has no rooms: they are on the other server of the list.
        if (!pathname.startsWith("/twirp/")) return refusal(503, "no rooms here");
        return await this.#pass(request, pathname, body);
    }
  }

  async #pass({ headers }: Request, pathname: string, body: string): Promise<Response> {
    const url = `http://127.0.0.1:${this.#options.port}${pathname}`;
    const passed = {
      authorization: headers.get("authorization")!,
      "content-type": "application/json",
    };
    const response = await fetch(url, { method: "POST", headers: passed, body });
    return new Response(await response.text(), { status: response.status });
  }

  /** It rings for as long as a test lasts. */
  async #ring(): Promise<Response> {
    await delay(60_000, { signal: this.#closing.signal }).catch(() => {});
    return refusal(408, "no answer");
  }
}

/** The error of a busy telephone, as LiveKit's servers write it. */
function busy(): Response {
  return refusal(503, "busy", { sip_status_code: "486", sip_status: "Busy Here" });
}

function refusal(status: number, msg: string, meta: Record<string, string> = {}): Response {
  return Response.json({ code: "unavailable", msg, meta }, { status });
}
