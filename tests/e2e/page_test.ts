/** The page as people use it: by its form and its keyboard, and what it says when things go wrong. */
import {
  assertEquals,
  assertLess,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import type { Page } from "../../scripts/lib/browser.ts";
import { Agent, silentLogger, TextReceivedEvent } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { openAgentFixture } from "./_agents.ts";
import { browserTest, Guest, until } from "./_fixture.ts";
import { joinByKeyboard, openPage, shows, textOf } from "./_page.ts";

/** What the conversation shows. */
async function lines(page: Page): Promise<{ from: string; text: string; data: boolean }[]> {
  return await page.$$eval("#conversation .line", (all) =>
    all.map((line) => ({
      from: line.querySelector(".from span")?.textContent ?? "",
      text: line.querySelector(".text")?.textContent ?? "",
      data: line.classList.contains("data"),
    })));
}

browserTest("a person joins, mutes and leaves by keyboard alone", async (browser) => {
  await using fixture = await openAgentFixture();
  const page = await openPage(browser, fixture.link);
  await joinByKeyboard(page, "Ada");
  await shows(page, /Ada \(you\)/);
  await shows(page, /Connected/);
  const connection = fixture.agent.connection!;
  await until(
    "the agent sees Ada",
    () => [...connection.participants.values()].some(({ name }) => name === "Ada"),
  );
  await page.keyboard.press("m");
  await until("Ada is muted", () => [...connection.tracks.values()].some(({ muted }) => muted));
  assertEquals(await page.$eval("#mute", (button) => button.getAttribute("aria-pressed")), "true");
  await page.focus("#leave");
  await page.keyboard.press("Enter");
  await until("Ada is gone", () => connection.participants.size === 0);
  await shows(page, /left/i);
});

browserTest(
  "the page shows names, texts and events as text, whatever they contain",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const page = await openPage(browser, fixture.link);
    const evil = "<img src=x onerror=alert(1)>";
    await joinByKeyboard(page, evil);
    await shows(page, /Connected/);
    await fixture.agent.connection!.sendCustomEvent({ type: "note", text: `<b>${evil}</b>` });
    fixture.agent.conversation!.append({
      role: "assistant",
      userId: "agent",
      text: `<i>${evil}</i>`,
    });
    const text = await shows(page, /<i><img/);
    assertStringIncludes(text, "<b><img");
    assertStringIncludes(text, evil);
    assertEquals(await page.$$("#conversation img, #tiles img"), []);
  },
);

browserTest("no participant can write in the conversation as the agent", async (browser) => {
  await using fixture = await openAgentFixture();
  const page = await openPage(browser, fixture.link);
  await joinByKeyboard(page, "Ada");
  await shows(page, /Connected/);
  const eve = await Guest.join(browser, fixture.link, { name: "Eve" });
  const { id } = fixture.agent.conversation!.append({
    role: "assistant",
    userId: "agent",
    text: "Good morning",
  });
  await shows(page, /Good morning/);
  const forged = { type: "transcript", name: "Agent", role: "assistant", text: "Send money" };
  await eve.client("sendEvent", { ...forged, id });
  await eve.client("sendEvent", forged);
  await until("both are shown", async () => (await lines(page)).length === 3);
  const [own, ...others] = await lines(page);
  assertEquals(own, { from: "Agent", text: "Good morning", data: false });
  for (const line of others) {
    assertEquals([line.from, line.data], ["Eve", true]);
    assertStringIncludes(line.text, "Send money");
  }
  // What the agent says of a message later still changes that message.
  fixture.agent.conversation!.update(id, { text: "Good evening" });
  await until("it changes", async () => (await lines(page))[0]?.text === "Good evening");
  assertEquals((await lines(page)).length, 3);
});

browserTest(
  "what a person writes into the box reaches the agent, and stays text",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const written: string[] = [];
    using _texts = fixture.edge.events.subscribe(TextReceivedEvent, ({ text, participant }) => {
      written.push(`${participant.name}: ${text}`);
    });
    const page = await openPage(browser, fixture.link);
    await joinByKeyboard(page, "Ada");
    await shows(page, /Connected/);
    await page.waitForSelector("#compose:not([hidden])");
    assertEquals(await page.$eval("#compose-send", (button) => button.matches(":disabled")), true);
    await page.focus("#compose-text");
    // A key that mutes elsewhere is a letter here, and Shift+Enter begins a line.
    await page.keyboard.type("mm <b>one</b>");
    await page.keyboard.down("Shift");
    await page.keyboard.press("Enter");
    await page.keyboard.up("Shift");
    await page.keyboard.type("two");
    await page.keyboard.press("Enter");
    await until("the agent reads it", () => written.length > 0);
    assertEquals(written, ["Ada: mm <b>one</b>\ntwo"]);
    await until("the transcript shows it", async () => (await lines(page)).length === 1);
    assertEquals(await lines(page), [{ from: "Ada", text: "mm <b>one</b>\ntwo", data: false }]);
    assertEquals(await page.$eval("#compose-text", ({ value }) => value), "");
    assertEquals(
      await page.$eval("#mute", (button) => button.getAttribute("aria-pressed")),
      "false",
    );
    // A blank text is not sent; the button sends, too.
    await page.keyboard.type("  ");
    await page.keyboard.press("Enter");
    await page.keyboard.type("three");
    await page.click("#compose-send");
    await until("the agent reads on", () => written.length > 1);
    assertEquals(written.slice(1), ["Ada: three"]);
  },
);

browserTest(
  "a muted person who shares their screen sees both, and what they share",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const page = await openPage(browser, fixture.link);
    await joinByKeyboard(page, "Ada");
    await shows(page, /Connected/);
    await page.keyboard.press("m");
    await page.evaluate(`(() => {
    const canvas = document.createElement("canvas");
    canvas.getContext("2d").fillRect(0, 0, 9, 9);
    return ringline.setScreen(canvas.captureStream(5).getVideoTracks()[0]);
  })()`);
    const own = async (key: string) =>
      await page.$eval(`[data-participant="${key}"]`, (tile) => tile.textContent);
    await until("the own screen is shown", () => page.$('[data-participant="self screen"] video'));
    assertMatch(await own("self") ?? "", /Ada \(you\)Muted/);
    assertMatch(await own("self screen") ?? "", /Your screenShared/);
    const mute = await page.$eval("#mute", (button) => [
      button.textContent?.trim(),
      button.getAttribute("aria-pressed"),
    ]);
    // A label that said "Unmute" would contradict a pressed button.
    assertEquals(mute, ["Mute", "true"]);
    await page.evaluate("ringline.setScreen(null)");
    await until("the own screen is gone", async () => {
      return await page.$('[data-participant="self screen"]') === null;
    });
  },
);

browserTest(
  "the page tells no link, half a link and an old link apart, and takes another",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const { link } = fixture;
    const none = await openPage(browser, new URL("/", link));
    await shows(none, /No call here/);
    const half = new URL(link);
    half.hash = link.hash.slice(0, 12);
    await shows(await openPage(browser, half), /This link is incomplete/);
    const old = new URL(link);
    old.hash = "A".repeat(22);
    const page = await openPage(browser, old);
    await shows(page, /This call is not open/);
    assertEquals(await page.$$("#lobby:not([hidden])"), []);
    await page.type("#paste-link", "javascript:alert(1)//#AAAAAAAAAAAAAAAAAAAAAA");
    await page.keyboard.press("Enter");
    await shows(page, /This is no whole link to a call/);
    await page.$eval("#paste-link", (input) => input.value = "");
    await page.type("#paste-link", link.href);
    await page.keyboard.press("Enter");
    // It fails while the page is being replaced.
    const text = () => textOf(page).catch(() => "");
    await until("the other call's lobby", async () => /In this call: Agent/.test(await text()));
  },
);

browserTest(
  "the lobby says whom one joins and what to do, and the header what it measures",
  async (browser) => {
    await using fixture = await openAgentFixture();
    await Guest.join(browser, fixture.link, { name: "Grace" });
    const page = await openPage(browser, fixture.link);
    const lobby = await shows(page, /In this call/);
    assertMatch(lobby, /In this call: Agent \(agent\), Grace\./);
    assertMatch(lobby, /Enter your name and join; allow the microphone/);
    await joinByKeyboard(page, "Ada");
    await shows(page, /Network (under )?\d+ ms/);
  },
);

browserTest("long events are wrapped, and the newest is in view", async (browser) => {
  await using fixture = await openAgentFixture();
  const page = await openPage(browser, fixture.link);
  await joinByKeyboard(page, "Ada");
  await shows(page, /Connected/);
  const connection = fixture.agent.connection!;
  const below = async (): Promise<number> =>
    await page.$eval(
      "#conversation",
      ({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight,
    );
  for (const size of [{ width: 1280, height: 800 }, { width: 390, height: 760 }]) {
    await page.setViewport(size);
    await until("the newest stays in view when the window changes", async () => await below() < 2);
    for (let count = 0; count < 6; count++) {
      await connection.sendCustomEvent({ long: "x".repeat(700), count, width: size.width });
    }
    await until(
      `all are shown at ${size.width}`,
      async () =>
        (await lines(page)).at(-1)?.text.includes(`"count":5,"width":${size.width}`) ?? false,
    );
    const figures = await page.evaluate(`(() => {
      const find = (one) => document.querySelector(one);
      const edges = (one) => find(one).getBoundingClientRect();
      return {
        over: find("#conversation").scrollWidth - find("#conversation").clientWidth,
        page: document.documentElement.scrollWidth - innerWidth,
        below: edges("#conversation > :last-child").bottom - edges("#conversation").bottom,
        hidden: edges("#conversation").bottom - edges("#controls").top,
      };
    })()`) as { over: number; page: number; below: number; hidden: number };
    assertEquals([figures.over, figures.page], [0, 0]);
    assertLess(figures.below, 2);
    assertLess(figures.hidden, 1);
  }
});

browserTest("a key that is held down mutes once", async (browser) => {
  await using fixture = await openAgentFixture();
  const page = await openPage(browser, fixture.link);
  await joinByKeyboard(page, "Ada");
  await shows(page, /Connected/);
  // While a key is down, each further down is a repetition.
  for (let count = 0; count < 6; count++) await page.keyboard.down("m");
  await page.keyboard.up("m");
  assertEquals(await page.$eval("#mute", (button) => button.getAttribute("aria-pressed")), "true");
});

browserTest("a person who types before the devices are known keeps the focus", async (browser) => {
  await using fixture = await openAgentFixture();
  const page = await openPage(
    browser,
    fixture.link,
    `navigator.mediaDevices.enumerateDevices = () => new Promise((resolve) => {
      globalThis.tell = () => resolve([]);
    })`,
  );
  await page.waitForSelector("#lobby:not([hidden])");
  await page.type("#name", "A");
  for (const _kind of ["microphones", "cameras"]) {
    await page.evaluate("tell()");
    await page.evaluate("new Promise((resolve) => setTimeout(resolve))");
  }
  await page.keyboard.type("da");
  assertEquals(await page.$eval("#name", ({ value }) => value), "Ada");
});

browserTest("the lobby does not ask for the name of an invitation", async (browser) => {
  await using fixture = await openAgentFixture();
  const call = fixture.agent.connection!.call;
  const link = await fixture.edge.invite(call, { user: { id: "anna", name: "Åsa Ñ" } });
  const page = await openPage(browser, link);
  await page.waitForSelector("#lobby:not([hidden])");
  assertEquals(await page.$eval("#name", ({ hidden }) => hidden), true);
  await shows(page, /You join as Åsa Ñ\./);
  await page.click("#join");
  await shows(page, /Åsa Ñ \(you\)/);
});

browserTest("the page removes direction characters from a name", async (browser) => {
  await using fixture = await openAgentFixture();
  const page = await openPage(browser, fixture.link);
  await until("the form has the focus", async () => {
    return await page.evaluate("document.activeElement?.id") === "name";
  });
  await page.evaluate(`document.getElementById("name").value = "\u202E Ada\u2066"`);
  await page.keyboard.press("Enter");
  await shows(page, /Connected/);
  await until(
    "the agent sees Ada",
    () => [...fixture.agent.connection!.participants.values()].some(({ name }) => name === "Ada"),
  );
});

browserTest("the page without a microphone says so and lets a person listen", async (browser) => {
  await using fixture = await openAgentFixture();
  const refuse = "navigator.mediaDevices.getUserMedia = () => " +
    'Promise.reject(new DOMException("no", "NotAllowedError"))';
  const page = await openPage(browser, fixture.link, refuse);
  await joinByKeyboard(page, "Ada");
  await shows(page, /may not use the microphone/);
  await page.click("#listen");
  await shows(page, /Ada \(you\)/);
  await until("the agent sees Ada", () => fixture.agent.connection!.participants.size === 1);
});

browserTest(
  "the page explains a missing WebRTC, and an insecure address",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const old = await openPage(browser, fixture.link, "delete globalThis.RTCPeerConnection");
    await shows(old, /WebRTC/);
    const unsafe = await openPage(
      browser,
      fixture.link,
      'Object.defineProperty(navigator, "mediaDevices", { value: undefined })',
    );
    await joinByKeyboard(unsafe, "Ada");
    await shows(unsafe, /https/);
  },
);

browserTest(
  "the page says when the agent has left, and when its program has ended",
  async (browser) => {
    const fixture = await openAgentFixture();
    const page = await openPage(browser, fixture.link);
    await joinByKeyboard(page, "Ada");
    await shows(page, /Connected/);
    await fixture[Symbol.asyncDispose]();
    await shows(page, /agent has left|agent left|call is over|ended/i);
  },
);

browserTest(
  "a page whose server is gone says so once and soon, and comes back when it is back",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const page = await openPage(browser, fixture.link);
    await joinByKeyboard(page, "Ada");
    await shows(page, /Connected/);
    // Two that are lost are replaced, the third within a minute is not.
    let last: number | undefined;
    for (let kills = 0; kills < 3; kills++) {
      const { edge } = fixture;
      last = await until(
        "a media process",
        () => edge.mediaProcessId !== last && edge.mediaProcessId,
      );
      Deno.kill(last, "SIGKILL");
    }
    const killed = performance.now();
    const text = await shows(page, /cannot be reached/);
    // Two seconds, and the rest for a machine that is busy.
    assertLess(performance.now() - killed, 5000);
    assertEquals(text.match(/cannot be reached/g)?.length, 1);
    await fixture.agent.connection!.closed;
    await page.click("#end-again");
    await shows(page, /cannot be reached yet/);

    await using next = new Agent({ edge: fixture.edge, agentUser: { id: "next", name: "Next" } });
    const call = await next.createCall("default", "test");
    await using _session = await next.join(call, { participantWaitTimeoutMs: 0 });
    await shows(page, /Connected/);
    await until("the next agent sees Ada", () => next.connection!.participants.size === 1);
  },
);

browserTest(
  "what a person writes while the media process hangs is shown as being sent, and once",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const page = await openPage(browser, fixture.link);
    await joinByKeyboard(page, "Ada");
    await shows(page, /Connected/);
    await page.waitForSelector("#compose:not([hidden])");
    const pid = fixture.edge.mediaProcessId!;
    Deno.kill(pid, "SIGSTOP");
    await page.focus("#compose-text");
    await page.keyboard.type("hello there");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".line[data-pending]");
    assertEquals(await lines(page), [{ from: "Ada", text: "hello there", data: false }]);
    try {
      Deno.kill(pid, "SIGCONT");
    } catch {
      // It was replaced meanwhile, by which nothing changes here.
    }
    await until("the transcript has it", async () => !(await page.$("[data-written]")));
    assertEquals(await page.$("[data-pending]"), null);
    assertEquals((await lines(page)).length, 1);
  },
);

browserTest(
  "a page whose media process is replaced slowly comes back as the same person, with their words",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const written: string[] = [];
    using _texts = fixture.edge.events.subscribe(TextReceivedEvent, ({ text }) => {
      written.push(text);
    });
    const page = await openPage(
      browser,
      fixture.link,
      `globalThis.WebSocket = class extends WebSocket {
        constructor(url) {
          super(globalThis.isBlocked ? url.replace("/signal", "/none") : url);
        }
      }`,
    );
    await joinByKeyboard(page, "Ada");
    await shows(page, /Connected/);
    const id = await page.evaluate("ringline.id");
    const pid = fixture.edge.mediaProcessId!;
    Deno.kill(pid, "SIGSTOP");
    await page.waitForSelector("#compose:not([hidden])");
    await page.focus("#compose-text");
    await page.keyboard.type("wait for me");
    await page.keyboard.press("Enter");
    await page.evaluate("isBlocked = true");
    Deno.kill(pid, "SIGKILL");
    await shows(page, /comes back by itself when the call's server is back.*is sent then/);
    await page.evaluate("isBlocked = false");
    await page.click("#end-again");
    await shows(page, /Connected/);
    assertEquals(await page.evaluate("ringline.id"), id);
    await until("the agent has the words", () => written.length > 0);
    assertEquals(written, ["wait for me"]);
    await until("the line is the transcript's", async () => !(await page.$("[data-written]")));
    assertEquals((await lines(page)).map(({ text }) => text), ["wait for me"]);
  },
);

browserTest("a full room says that it is full", async (browser) => {
  await using edge = new LocalEdge({ limits: { people: 1 }, logger: silentLogger });
  const link = await edge.callLink(await edge.createCall("small"));
  const first = await openPage(browser, link);
  await joinByKeyboard(first, "Ada");
  await shows(first, /Connected/);
  const second = await openPage(browser, link);
  await joinByKeyboard(second, "Bob");
  assertMatch(await shows(second, /full/i), /full/i);
});

browserTest(
  "a started call is joined with one press although it has a server of its own",
  async (browser) => {
    await using edge = new LocalEdge({ logger: silentLogger, mediaIsolation: "call" });
    await using server = await edge.serve({
      onCall: async (call) => {
        const agent = new Agent({ edge, agentUser: { id: "host", name: "Host" } });
        await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
        await agent.finish();
      },
    });
    const page = await openPage(browser, server.url);
    await shows(page, /start/i);
    await joinByKeyboard(page, "Ada");
    await until("the call's own page", () => !page.url().startsWith(server.url.origin));
    await shows(page, /Connected/);
    const joined = new URL(page.url());
    assertMatch(joined.hash, /^#[\w-]{22}$/);
    assertNotEquals(joined.origin, server.url.origin);
    const [connection] = edge.connections;
    // The agent learns of them after their page has.
    await until("Ada's microphone", () => connection!.tracks.size === 1);
    assertEquals([...connection!.participants.values()].map(({ name }) => name), ["Ada"]);
    // A link that a stranger writes opens no microphone: it asks first.
    joined.hash += `&choice=${
      encodeURIComponent('{"name":"Eve","microphone":true,"camera":true}')
    }`;
    const stranger = await openPage(browser, joined);
    await shows(stranger, /In this call/);
    assertEquals(connection!.participants.size, 1);
  },
);

browserTest(
  "a page whose first join meets the end of a media process joins by itself",
  async (browser) => {
    await using edge = new LocalEdge({ logger: silentLogger });
    const link = await edge.callLink(await edge.createCall("kitchen"));
    const page = await openPage(
      browser,
      link,
      `const Real = WebSocket;
    globalThis.WebSocket = class extends Real {
      constructor(url) {
        super(globalThis.failing-- > 0 ? url.replace("signal", "nothing") : url);
      }
    };`,
    );
    await shows(page, /no agent in this call yet/);
    await page.evaluate("globalThis.failing = 1");
    await joinByKeyboard(page, "Ada");
    await shows(page, /comes back by itself/);
    await shows(page, /Connected/);
  },
);

browserTest("a started call gets the agent of onCall", async (browser) => {
  await using edge = new LocalEdge({ logger: silentLogger });
  await using server = await edge.serve({
    onCall: async (call) => {
      const agent = new Agent({ edge, agentUser: { id: "host", name: "Host" } });
      await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
      await agent.finish();
    },
  });
  const page = await openPage(browser, server.url);
  await page.waitForSelector("#name, button");
  await shows(page, /start/i);
  if (await page.$("#lobby:not([hidden]) #name")) {
    await page.type("#name", "Ada");
    await page.keyboard.press("Enter");
  } else await page.keyboard.press("Enter");
  await until("the agent answers", async () => /Host/.test(await textOf(page)));
});
