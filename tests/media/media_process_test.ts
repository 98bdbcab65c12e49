import { delay } from "@std/async/delay";
import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { EdgeError, ProtocolError } from "../../src/edge/errors.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { FAKE_CHILD, fakeProcess, isAlive, linkOf, testAgent, TestEdge } from "./_fixture.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { until } from "../fixtures/until.ts";
import { findDeno } from "../../src/media/parent/deno_program.ts";
import { spawnChild } from "../../src/media/parent/spawn.ts";
import { fileURLToPath } from "node:url";

/** A process that runs this instead of a child. */
function program(code: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
}

Deno.test("the process starts with the first lease, is shared, and is gone with the last", async () => {
  const process = fakeProcess();
  assertEquals(process.pid, undefined);
  const first = await process.acquire();
  const pid = process.pid!;
  const second = await process.acquire();
  assertEquals(process.pid, pid);
  await first.release();
  assertEquals(await second.request("echo", { a: [1, "ä"] }), { a: [1, "ä"] });
  const start = performance.now();
  await second.release();
  assertLess(performance.now() - start, 500);
  assertEquals(await isAlive(pid), false);
  assertEquals(process.pid, undefined);
});

Deno.test("leases taken at the same time share one process", async () => {
  const process = fakeProcess();
  const leases = await Promise.all([process.acquire(), process.acquire(), process.acquire()]);
  assertEquals(new Set(leases.map((lease) => linkOf(lease).pid)).size, 1);
  await Promise.all(leases.map((lease) => lease.release()));
});

Deno.test("a media process refuses an agent's program of another version, and says what to do", async () => {
  const deno = await findDeno();
  const decoder = new TextDecoder(), encoder = new TextEncoder();
  const process = fakeProcess({
    spawn: () => {
      const child = spawnChild(deno, { child: FAKE_CHILD });
      // Another version, which also starts with something else than this one does.
      const otherVersion = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform: (bytes, output) => {
          const text = decoder.decode(bytes).replace(/"version":\d/, '"version":9');
          output.enqueue(encoder.encode(text.replace('"config"', '"choice"')));
        },
      });
      otherVersion.readable.pipeTo(child.stdin).catch(() => {});
      return { ...child, stdin: otherVersion.writable };
    },
  });
  const error = await assertRejects(() => process.acquire(), ProtocolError, "speaks version 9 of");
  assertEquals([error.code, error.retryable], ["wire-version", false]);
  assertStringIncludes(error.message, "@ringline/edge and the packages of its edges in one");
  assertEquals([process.pid, process.leases], [undefined, 0]);
});

Deno.test("MediaProcess replaces one that died: leases go on, a request in flight fails", async () => {
  const losses: string[] = [];
  const process = fakeProcess({
    onLost: (error) => losses.push(error.code),
    onReplaced: async (request) => void await request("echo", "opened again"),
  });
  const lease = await process.acquire();
  const pid = process.pid!;
  const hanging = assertRejects(() => lease.request("hang", null), EdgeError, "signal SIGKILL");
  Deno.kill(pid, "SIGKILL");
  await hanging;
  assertEquals(await lease.request("echo", 1), 1);
  assert(process.pid !== pid);
  const next = await process.acquire();
  assertEquals([lease.lost, linkOf(next).pid, losses], [undefined, process.pid, []]);
  await lease.release();
  await next.release();
  assertEquals(process.pid, undefined);
});

Deno.test("MediaProcess sends an idempotent request again to the next process, and no other", async () => {
  const process = fakeProcess();
  const lease = await process.acquire();
  const pid = process.pid!;
  // It has the requests, and replies to none.
  Deno.kill(pid, "SIGSTOP");
  const again = lease.request("echo", "again", { idempotent: true });
  const once = lease.request("echo", "once").catch((error) => error);
  Deno.kill(pid, "SIGKILL");
  const error = await once;
  assertEquals([error.code, error.retryable], ["media-process-replaced", true]);
  assertStringIncludes(error.message, "repeat it only if twice does no harm");
  // Those that wait for the next one have their own limits.
  const late = lease.request("echo", 1, { timeoutMs: 1 }).catch((error) => error.name);
  const abort = new AbortController();
  const aborted = lease.request("echo", 1, { signal: abort.signal }).catch((error) => error);
  abort.abort("enough");
  assertEquals([await late, await aborted], ["TimeoutError", "enough"]);
  assertEquals(await again, "again");
  await lease.release();
});

Deno.test("a process that has said nothing for 1 s is not waited for at the end", async () => {
  const process = fakeProcess();
  const lease = await process.acquire();
  await using edge = new TestEdge(process);
  await edge.join(testAgent(), await edge.createCall("call"));
  Deno.kill(process.pid!, "SIGSTOP");
  const begun = performance.now();
  await edge.close();
  await lease.release();
  // Leaving waits for it to become quiet, and the end of the process then waits no more.
  assertLess(performance.now() - begun, 1900);
});

Deno.test("MediaProcess gives up at the third loss within a minute, and starts anew for the next lease", async () => {
  const losses: string[] = [];
  const clock = new VirtualClock();
  const process = fakeProcess({ clock, onLost: (error) => losses.push(error.code) });
  const lease = await process.acquire();
  const kill = async () => {
    const pid = process.pid!;
    Deno.kill(pid, "SIGKILL");
    await until("the next process, or none", () => process.pid !== pid);
  };
  await kill();
  assertEquals(await lease.request("echo", 1), 1);
  await clock.advance(60_000);
  await kill();
  assertEquals(await lease.request("echo", 2), 2);
  await kill();
  assertEquals(await lease.request("echo", 3), 3);
  await kill();
  assertEquals([losses, lease.lost?.retryable], [["media-process-lost"], true]);
  await assertRejects(() => lease.request("echo", 4), EdgeError, "signal SIGKILL");
  await clock.advance(60_000);
  const next = await process.acquire();
  await lease.release();
  assertEquals(await next.request("echo", 5), 5);
  await next.release();
});

Deno.test("MediaProcess replaces an empty process that has grown, not one that is in use", async () => {
  const losses: string[] = [];
  let opened = 0;
  const process = fakeProcess({
    memoryLimit: { bytes: 1, checkEveryMs: 20 },
    onLost: (error) => losses.push(error.code),
    onReplaced: async (request) => void (opened += Number(await request("echo", 1))),
  });
  await using edge = new TestEdge(process);
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  const pid = process.pid!;
  await delay(100);
  assertEquals(process.pid, pid);
  assertEquals(connection.state, "active");
  const lease = await process.acquire();
  await connection.close();
  await until("the replacement", () => opened > 0);
  assertEquals(await isAlive(pid), false);
  assertEquals(await lease.request("echo", "still here"), "still here");
  assertEquals([lease.lost, losses], [undefined, []]);
  const again = await edge.join(testAgent(), await edge.createCall("call"));
  assertEquals(again.state, "active");
  await lease.release();
});

Deno.test("a child that fails at its start says why, and the next start is not hindered", async () => {
  const process = fakeProcess({ config: "refuse" });
  for (let attempt = 0; attempt < 2; attempt++) {
    const error = await assertRejects(() => process.acquire(), EdgeError, "the port is taken");
    assertEquals(error.code, "address-in-use");
    assertEquals(error.retryable, true);
    assertEquals(process.pid, undefined);
  }
});

Deno.test("a request is given up with its signal, and the child is told", async () => {
  const notices: unknown[] = [];
  const process = fakeProcess({ onMessage: (message) => notices.push(message) });
  const lease = await process.acquire();
  const abort = new AbortController();
  const request = lease.request("hang", null, { signal: abort.signal });
  abort.abort(new Error("enough"));
  await assertRejects(() => request, Error, "enough");
  await until("the child being told", () => notices.includes("given up"));
  const late = await assertRejects(() => lease.request("hang", null, { timeoutMs: 20 }));
  assertEquals((late as Error).name, "TimeoutError");
  await lease.release();
});

Deno.test("stray output of the child's code does not reach the wire", async () => {
  const process = fakeProcess();
  const lease = await process.acquire();
  assertEquals(await lease.request("shout", null), "shouted");
  assertEquals(await lease.request("echo", "still here"), "still here");
  await lease.release();
});

Deno.test("an uncaught error in the child does not end the others' calls", async () => {
  const process = fakeProcess();
  const lease = await process.acquire();
  await lease.request("throw-later", null);
  assertEquals(await lease.request("echo", "still here"), "still here");
  await lease.release();
});

Deno.test("the process gets no secrets and no permissions but its own", async () => {
  Deno.env.set("RINGLINE_TEST_SECRET", "secret");
  const home = Deno.env.get("HOME") ?? null;
  try {
    const process = fakeProcess();
    const lease = await process.acquire();
    const answer = await lease.request("environment", ["RINGLINE_TEST_SECRET", "HOME"]);
    assertEquals(answer, { values: [null, home], env: "prompt", run: "prompt", write: "prompt" });
    const environment = await Deno.readTextFile(`/proc/${process.pid}/environ`);
    assertEquals(environment.includes("RINGLINE_TEST_SECRET"), false);
    assertStringIncludes(environment, "PATH=");
    // A question that is not seen would hang an agent that runs as a service.
    const command = await Deno.readTextFile(`/proc/${process.pid}/cmdline`);
    assert(command.split("\0").includes("--no-prompt"));
    await lease.release();
  } finally {
    Deno.env.delete("RINGLINE_TEST_SECRET");
  }
});

Deno.test("interrupts and terminations that hit the whole group are left to the agent", async () => {
  const process = fakeProcess();
  const lease = await process.acquire();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) Deno.kill(process.pid!, signal);
  assertEquals(await lease.request("echo", "still here"), "still here");
  await lease.release();
});

Deno.test("a goodbye that takes too long is cut off", async () => {
  const process = fakeProcess({ config: "slow goodbye" });
  const lease = await process.acquire();
  const start = performance.now();
  await lease.release();
  assertLess(performance.now() - start, 600);
});

Deno.test("a process that hangs, and reads nothing, is killed when it is to end", async () => {
  const process = fakeProcess({
    // More than a pipe holds.
    config: "x".repeat(500_000),
    spawn: () =>
      new Deno.Command(Deno.execPath(), {
        args: ["eval", "setTimeout(() => {}, 60_000)"],
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
      }).spawn(),
  });
  const start = performance.now();
  const error = await assertRejects(() => process.acquire({ timeoutMs: 100 })) as Error;
  assertEquals(error.name, "TimeoutError");
  assertLess(performance.now() - start, 2000);
  assertEquals(process.pid, undefined);
});

Deno.test("garbage to the process ends it immediately, with a code that says so", async () => {
  const child = spawnChild(await findDeno(), { child: FAKE_CHILD });
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("no frame at all"));
  assertEquals((await child.status).code, 76);
  await child.stdout.cancel();
  await writer.abort().catch(() => {});
});

Deno.test("garbage from the process ends it with a typed error", async () => {
  const process = fakeProcess({
    spawn: () => program("console.log('no frame at all'); setTimeout(() => {}, 60_000)"),
  });
  const error = await assertRejects(() => process.acquire(), EdgeError, "garbage");
  assertEquals(error.code, "wire-garbage");
});

Deno.test("without the permission to run it, the error says what to grant", async () => {
  const program = `
    import { MediaProcess } from ${JSON.stringify(moduleUrl("parent/media_process.ts"))};
    const process = new MediaProcess({ child: new URL("file:///nowhere.ts"), config: null });
    await process.acquire().catch((error) => console.log(error.code, error.message));
  `;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, program);
    const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", `--config=${config}`, file],
    }).output();
    const said = new TextDecoder().decode(output.stdout);
    assertStringIncludes(said, "permission-denied");
    assertStringIncludes(said, `--allow-run=${Deno.execPath()}`);
  } finally {
    await Deno.remove(file);
  }
});

function moduleUrl(path: string): string {
  return new URL(`../../src/media/${path}`, import.meta.url).href;
}

Deno.test("what does not fit a request is its caller's TypeError, and is never sent", async () => {
  const process = fakeProcess();
  const lease = await process.acquire();
  const wrong = { connection: 1, stream: 1, epoch: -1 };
  await assertRejects(() => linkOf(lease).request("flush", wrong), TypeError, "flush: epoch");
  await assertRejects(() => lease.request("echo", "x".repeat(2 << 20)), RangeError, "at most");
  assert(linkOf(lease).isIdle, "nothing is waited for");
  assertEquals(await lease.request("echo", "still here"), "still here");
  await lease.release();
});

Deno.test("a message that makes no sense is answered alone: only broken frames are fatal", async () => {
  const lines: string[] = [];
  const logger = { ...silentLogger, error: (line: string) => void lines.push(line) };
  const process = fakeProcess({ logger });
  const lease = await process.acquire();
  // The first request of this link: what goes out under its number is answered to it.
  const hanging = assertRejects(() => lease.request("hang", null), EdgeError, "params.user");
  const params = { connection: 1, user: { id: "a" } };
  linkOf(lease).send({ type: "request", id: 1, method: "join", params } as never);
  assertEquals((await hanging as EdgeError).code, "wire-malformed");
  linkOf(lease).send({ type: "pause", connection: "x" } as never);
  await until("the line about the other", () => lines.some((line) => /malformed/.test(line)));
  assertEquals(await lease.request("echo", "still here"), "still here");
  await lease.release();
});

Deno.test("an answer that is too large is an error of that request", async () => {
  const process = fakeProcess();
  const lease = await process.acquire();
  const asking = () => lease.request("unspeakable", null, { timeoutMs: 5000 });
  await assertRejects(asking, EdgeError, "expected a message of at most");
  await lease.release();
});

Deno.test({
  name: "a terminal's Ctrl-C does not reach the process: it has a session of its own",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const process = fakeProcess();
    const starting = process.acquire();
    await until("the process starting", () => process.pid);
    const { pid } = process;
    await until("its session", async () => {
      const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
      const [, , group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
      return group === pid && session === pid;
    }, 2000);
    await (await starting).release();
  },
});

Deno.test("every child leaves signals to the agent before it loads anything else", async () => {
  const firstImports = {
    "edges/local/child/main.ts": '"../../../media/child/leave_signals.ts"',
    "edges/getstream/child/main.ts": '"@ringline/edge/media/child"',
    "edges/livekit/child/main.ts": '"@ringline/edge/media/child"',
    "media/child/mod.ts": '"./leave_signals.ts"',
  };
  for (const [path, expected] of Object.entries(firstImports)) {
    const text = await Deno.readTextFile(new URL(`../../src/${path}`, import.meta.url));
    const [, first] = text.match(/^import (?:[^"]* from )?(".*");$/m)!;
    assertEquals([path, first], [path, expected]);
  }
});

Deno.test("a start that is given up ends the process immediately", async () => {
  const process = fakeProcess({ spawn: () => program("setTimeout(() => {}, 60_000)") });
  const abort = new AbortController();
  const starting = process.acquire({ signal: abort.signal });
  await until("the process starting", () => process.pid);
  const start = performance.now();
  abort.abort(new Error("changed my mind"));
  await assertRejects(() => starting, Error, "changed my mind");
  assertLess(performance.now() - start, 500);
  assertEquals(process.pid, undefined);
});
