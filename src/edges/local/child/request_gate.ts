/**
 * What of a connection's bytes reaches the HTTP parser: one request at a time, without a body. The parser
 * stops for nothing before it has read all of a piece, and 64 KiB are thousands of requests, or of chunks
 * of a body, while which no call would be heard.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import type { Socket as TcpSocket } from "node:net";

/** The most bytes of one request. */
export const MAX_REQUEST_BYTES = 16_384;
/** The most bytes of all requests of a connection: browsers load the page with a few kilobytes. */
const MAX_CONNECTION_BYTES = 256 * 1024;
/** After so many the next response is the last one, and says so: a proxy keeps its connections for long. */
const LAST_RESPONSE_BYTES = MAX_CONNECTION_BYTES / 2;

/** What ends the headers of a request: as written by the standard, and as lenient parsers read it. */
const ENDS_OF_HEADERS = ["\n\r\n", "\n\n"];
/** Bytes of an end that may lie in an earlier piece. */
const TAIL_BYTES = 2;

/** What node:http keeps on a connection, as far as it is used. */
interface ParsedSocket extends TcpSocket {
  parser?: { unconsume?(): void };
}

/** What is used of a response. */
type Response = Pick<ServerResponse, "writableEnded" | "shouldKeepAlive">;

/** The way from one connection to its parser. */
export class RequestGate {
  readonly #tcp: ParsedSocket;
  /** Bytes of this request, and of all. */
  #size = 0;
  #total = 0;
  /** The last bytes of the headers so far. */
  #tail = "";
  /** Whether the headers are complete. */
  #complete = false;
  #response: Response | undefined;

  /** Stands before the connection's parser from now on. */
  constructor(tcp: ParsedSocket) {
    this.#tcp = tcp;
    // Otherwise the parser takes what arrives from below the stream.
    tcp.parser?.unconsume?.();
    tcp.prependListener("data", this.#receive);
  }

  /**
   * Records the response to the current request: the next one may come after it, unless this connection
   * has had enough of them.
   */
  respondsWith(response: Response): void {
    this.#complete = true;
    this.#response = response;
    if (this.#total > LAST_RESPONSE_BYTES) response.shouldKeepAlive = false;
  }

  /** Lets all pass: another protocol begins. */
  open(): void {
    this.#tcp.off("data", this.#receive);
  }

  readonly #receive = (piece: Buffer): void => {
    if (this.#accepts(piece)) return;
    // The parser, which gets the same piece, ends with the first of these bytes.
    piece.fill(0);
    this.#tcp.destroy();
  };

  #accepts(piece: Buffer): boolean {
    if (this.#complete) {
      // Not the end of its way: an honest client may have the response before this end knows.
      if (!this.#response?.writableEnded) return false;
      this.#complete = false;
      this.#response = undefined;
      this.#size = 0;
      this.#tail = "";
    }
    this.#size += piece.length;
    this.#total += piece.length;
    if (this.#size > MAX_REQUEST_BYTES || this.#total > MAX_CONNECTION_BYTES) return false;
    const text = this.#tail + piece.toString("latin1");
    const ends = ENDS_OF_HEADERS.map((end) => text.indexOf(end) + end.length)
      .filter((end, index) => end >= ENDS_OF_HEADERS[index]!.length);
    this.#tail = text.slice(-TAIL_BYTES);
    if (ends.length === 0) return true;
    this.#complete = true;
    return Math.min(...ends) === text.length;
  }
}
