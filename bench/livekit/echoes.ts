/**
 * What the programs that are compared have in common: they read orders from standard input, a line each,
 * `join {"url", "room", "token"}` or `leave` (the last call that was joined), and print how long a join took with the track published.
 *
 * @module
 */

/** What the results' lines begin with: libraries print, too. */
export const MARK = "echo: ";

/** Where to join. */
export interface Join {
  url: string;
  room: string;
  token: string;
}

/** Follows the orders until the input ends. */
export async function serveEchoes(
  join: (where: Join) => Promise<() => Promise<void>>,
): Promise<void> {
  const print = (value: unknown) => console.log(`${MARK}${JSON.stringify(value)}`);
  let leave: (() => Promise<void>) | undefined;
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  let rest = "";
  for await (const text of lines) {
    const orders = (rest + text).split("\n");
    rest = orders.pop()!;
    for (const order of orders) {
      if (order === "leave") {
        await leave?.();
        print({ left: true });
        continue;
      }
      const start = performance.now();
      leave = await join(JSON.parse(order.slice("join ".length)));
      print({ joinMs: performance.now() - start });
    }
  }
}
