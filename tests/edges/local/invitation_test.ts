/** Who a participant is: invitations, and those who have none. */
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import jsonwebtoken from "npm:jsonwebtoken@9.0.3";
import { allowList } from "@ringline/edge";
import { ALL_GRANTS, type Grants } from "../../../src/edges/local/wire/grants.ts";
import {
  type Invitation,
  invitationId,
  type InvitationInit,
  readInvitation,
  signInvitation,
} from "../../../src/edges/local/wire/invitation.ts";
import { Call } from "../../../src/edge/call.ts";
import { Invitations } from "../../../src/edges/local/invitations.ts";
import { ResumeTokens } from "../../../src/edges/local/wire/resume.ts";
import {
  CALL_SIZES,
  parseClientMessage,
  PROTOCOL_VERSION,
} from "../../../src/edges/local/wire/signalling.ts";
import { Rejection } from "../../../src/edges/local/wire/rejection.ts";
import type { ParticipantData } from "../../../src/media/wire/messages.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { FakeConnection, hello, RoomFixture, settle } from "./fakes.ts";
import { CALL, ServerFixture } from "./server_fixture.ts";

const SECRET = "a secret of thirty-two characters or more";
const NOW = 1_800_000_000_000;
const KITCHEN = { callType: "default", callId: "kitchen" };
const AT = { ...KITCHEN, nowMs: NOW };

async function token(init: Partial<InvitationInit> = {}, secret = SECRET): Promise<string> {
  return await signInvitation(secret, {
    ...KITCHEN,
    user: { id: "owner", name: "Olga" },
    grants: {},
    issuedAtMs: NOW,
    expiresAtMs: NOW + 60_000,
    ...init,
  });
}

function invitation(grants: Partial<Grants> = {}, more: Partial<Invitation> = {}): Invitation {
  return {
    id: "01",
    user: { id: "owner", name: "Olga" },
    grants: { ...ALL_GRANTS, ...grants },
    expired: false,
    ...more,
  };
}

/** The participants that an agent was told of. */
function joined(agent: FakeConnection): ParticipantData[] {
  return agent.messages.flatMap((one) => "participant" in one ? [one.participant] : []);
}

Deno.test("an invitation by jsonwebtoken holds, and jsonwebtoken verifies ours", async () => {
  const theirs = jsonwebtoken.sign(
    { call: "kitchen", name: "Olga", grants: { publish: false }, exp: NOW / 1000 + 60 },
    SECRET,
    { subject: "owner", noTimestamp: true },
  );
  assertEquals(await readInvitation(theirs, SECRET, AT), {
    id: invitationId(theirs),
    user: { id: "owner", name: "Olga" },
    grants: { ...ALL_GRANTS, publish: false },
    expired: false,
  });
  const ours = await token({ callType: "meeting", grants: { subscribe: false } });
  const options = { algorithms: ["HS256" as const], clockTimestamp: NOW / 1000 };
  const { jti, ...verified } = jsonwebtoken.verify(ours, SECRET, options) as { jti: string };
  assert(jti.length > 20, "each has an id of its own");
  assertEquals<object>(verified, {
    sub: "owner",
    name: "Olga",
    call: "kitchen",
    callType: "meeting",
    grants: { subscribe: false },
    iat: NOW / 1000,
    exp: NOW / 1000 + 60,
  });
});

Deno.test("an invitation for another call, without an expiry or with wrong claims does not hold", async () => {
  const claims = { sub: "owner", call: "kitchen", exp: NOW / 1000 + 60 };
  const wrong: Record<string, string> = {
    "another secret": await token({}, SECRET.toUpperCase()),
    "another call": await token({ callId: "cellar" }),
    "another type": await token({ callType: "meeting" }),
    "no signature": jsonwebtoken.sign(claims, null, { algorithm: "none" }),
    "another algorithm": jsonwebtoken.sign(claims, SECRET, { algorithm: "HS512" }),
    "no expiry": jsonwebtoken.sign({ sub: "owner", call: "kitchen" }, SECRET),
    "not yet": jsonwebtoken.sign({ ...claims, nbf: NOW / 1000 + 30 }, SECRET),
    "no user": jsonwebtoken.sign({ call: "kitchen", exp: claims.exp }, SECRET),
    "an empty user": jsonwebtoken.sign({ ...claims, sub: " " }, SECRET),
    "no call": jsonwebtoken.sign({ sub: "owner", exp: claims.exp }, SECRET),
    "a name of two lines": jsonwebtoken.sign({ ...claims, name: "Olga\nAda" }, SECRET),
    "a grant that does not exist": jsonwebtoken.sign({ ...claims, grants: { hear: true } }, SECRET),
    "no token": "a.b.c",
  };
  for (const [what, each] of Object.entries(wrong)) {
    const error = await assertRejects(() => readInvitation(each, SECRET, AT), Rejection);
    assertEquals(error.code, "wrong-link", what);
  }
});

Deno.test("no other text holds in place of an invitation", async () => {
  const given = await token();
  const read = await readInvitation(given, SECRET, AT);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(given.length - 1),
      fc.constantFrom(..."AZaz09-_.= "),
      async (at, letter) => {
        const changed = given.slice(0, at) + letter + given.slice(at + 1);
        const result = await readInvitation(changed, SECRET, AT).catch((error) => {
          assert(error instanceof Rejection, `${error}`);
        });
        // The last letter carries bits that count for nothing: it is the same invitation then.
        if (result) assertEquals(result, read);
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("a page that claims a user's id does not get it, and an invited one does", async () => {
  await using fixture = await ServerFixture.open({ secret: SECRET });
  const agent = await fixture.join();
  const filter = allowList(["owner"]);
  const passes = (participant: ParticipantData): boolean =>
    filter.passes({ participant } as unknown as Parameters<typeof filter.passes>[0], []);
  const present = async (secret: string): Promise<ParticipantData> => {
    const page = await fixture.open();
    page.say({ ...hello("Eve", { ...CALL, secret }), user: "owner" });
    await page.next("welcome");
    fixture.peers.at(-1)!.become("connected");
    return joined(agent).at(-1)!;
  };
  const guest = await present(CALL.secret);
  assertEquals(guest.userId, guest.id);
  assert(!passes(guest));
  const expiresAtMs = Date.now() + 60_000;
  const invited = await present(await token({ expiresAtMs }));
  assertEquals([invited.userId, invited.name], ["owner", "Olga"]);
  assert(passes(invited));
  // The same user on a second device is another participant.
  const again = await present(await token({ expiresAtMs }));
  assertEquals(again.userId, "owner");
  assertNotEquals(again.id, invited.id);
});

Deno.test("a revoked invitation removes those whom it admitted, and admits no more", async () => {
  await using fixture = await ServerFixture.open({ secret: SECRET });
  await fixture.join();
  const given = await token({ expiresAtMs: Date.now() + 60_000 });
  const enter = async (secret: string) => {
    const page = await fixture.open();
    page.say(hello("Eve", { ...CALL, secret }));
    return page;
  };
  const page = await enter(given);
  await page.next("welcome");
  const other = await enter(CALL.secret);
  await other.next("welcome");
  await fixture.child.request("revoke", { id: invitationId(given) });
  assertEquals((await page.next("goodbye")).code, "removed");
  assertEquals((await (await enter(given)).next("rejected")).code, "wrong-link");
  // The same signature in another spelling.
  const last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const spelled = given.slice(0, -1) + last[last.indexOf(given.at(-1)!) ^ 1];
  assertEquals((await (await enter(spelled)).next("rejected")).code, "wrong-link");
  assert(!other.received.some(({ type }) => type === "goodbye"));
});

Deno.test("an expired invitation admits no new participant, and one who was cut off", async () => {
  const fixture = new RoomFixture();
  const page = fixture.enter("Eve", {}, { invitation: invitation() });
  const { resume, id } = page.last("welcome")!;
  const expired = { invitation: invitation({}, { expired: true }) };
  assertEquals(fixture.enter("Eve", {}, expired).last("rejected")?.code, "invitation-expired");
  assertEquals(fixture.enter("Eve", { resume }, expired).last("welcome")?.id, id);
  const late = await readInvitation(await token(), SECRET, { ...AT, nowMs: NOW + 61_000 });
  assertEquals(late.expired, true);
});

Deno.test("one whose invitation has expired comes back to a program that started again, for a day", async () => {
  const first = new RoomFixture();
  const { resume, id } = first.enter("Eve", {}, { invitation: invitation() }).last("welcome")!;
  const guest = first.enter("Gus").last("welcome")!;
  const expired = { invitation: invitation({}, { expired: true }) };
  const again = new RoomFixture();
  const isAdmitted = (room: RoomFixture, token: string, options = expired) =>
    room.enter("Eve", { resume: token }, options).last("welcome") !== undefined;
  // It says when it was issued: no room that was open by then has forgotten them.
  assertEquals(isAdmitted(again, resume), false);

  const later = new RoomFixture({}, { startsAfterMs: 1000 });
  assertEquals(isAdmitted(later, guest.resume), false, "a guest's token is of another user");
  assertEquals(isAdmitted(later, resume.replace(id, "person-0000000000000000")), false);
  assertEquals(
    isAdmitted(later, `${resume.slice(0, -1)}${resume.endsWith("A") ? "B" : "A"}`),
    false,
  );
  assertEquals(isAdmitted(later, "x"), false);
  assertEquals(isAdmitted(later, resume), true);
  const nextDay = new RoomFixture({}, { startsAfterMs: 86_400_000 });
  assertEquals(isAdmitted(nextDay, resume), false);
  await Promise.all([first, again, later, nextDay].map(({ room }) => room.end("call-ended")));
});

Deno.test("a participant who may not subscribe reads no transcript, and other events", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const { page } = await fixture.join("Eve", {}, invitation({ subscribe: false }));
  const { page: other } = await fixture.join("Ada");
  const transcript = { type: "transcript", text: "Four." };
  fixture.room.sendCustomEvent(agent.connection, transcript);
  fixture.room.sendCustomEvent(agent.connection, { type: "slide", page: 2 });
  const events = (one: typeof page) =>
    one.received.flatMap((message) => message.type === "event" ? [message.data] : []);
  assertEquals(events(page), [{ type: "slide", page: 2 }]);
  assertEquals(events(other), [transcript, { type: "slide", page: 2 }]);
});

Deno.test("returns that cost a new connection are counted as repairs are", async () => {
  const fixture = new RoomFixture();
  const { page } = await fixture.join("Ada");
  const { resume, id } = page.last("welcome")!;
  for (let count = 0; count < 6; count++) {
    assertEquals(fixture.enter("Ada", { resume }).last("welcome")?.id, id);
  }
  const refused = fixture.enter("Ada", { resume });
  assertEquals(refused.last("rejected")?.code, "media-failed");
  await fixture.clock.advance(60_000);
  assertEquals(fixture.room.participantCount, 0);
});

Deno.test("invitations name a wrong time, and links at the limits of ids are admitted", async () => {
  const clock = new VirtualClock();
  const invitations = new Invitations(SECRET, clock);
  const call = new Call({ type: "t".repeat(100), id: "i".repeat(200), original: {} });
  for (const expiresInMs of [NaN, 1e18, 999, Infinity, "3600000" as unknown as number]) {
    const options = { user: { id: "anna" }, expiresInMs };
    await assertRejects(
      () => invitations.create(call, options),
      RangeError,
      "expiresInMs: expected a number of milliseconds from 1000 to ",
    );
  }
  const long = {
    callType: "類".repeat(CALL_SIZES.callType),
    callId: "呼".repeat(CALL_SIZES.callId),
  };
  const secret = await invitations.create(
    new Call({ type: long.callType, id: long.callId, original: {} }),
    {
      user: { id: "名".repeat(100), name: "名".repeat(60) },
      grants: { publish: false, subscribe: false, sendEvents: false },
    },
  );
  const hello = {
    type: "hello" as const,
    version: PROTOCOL_VERSION,
    ...long,
    secret,
    name: "名".repeat(60),
    resume: new ResumeTokens(SECRET, long).issue(
      { id: `person-${"0".repeat(16)}`, userId: "x" },
      2e12,
    ),
    keepPeer: true,
  };
  assertEquals(parseClientMessage(JSON.stringify(hello)), hello);
  const bytes = new TextEncoder().encode(JSON.stringify(hello)).length;
  assert(bytes + 14 <= 4096, `${bytes} bytes before a hello is accepted`);
});

Deno.test("an edge keeps what was revoked before", async () => {
  const clock = new VirtualClock();
  const call = new Call({ type: "default", id: "kitchen", original: {} });
  const before = new Invitations(SECRET, clock);
  const token = await before.create(call, { user: { id: "anna" }, expiresInMs: 60_000 });
  const revoked = await before.revoke(token);
  assertEquals(revoked.expiresAtMs, Math.floor(clock.epochMs() / 1000) * 1000 + 60_000);
  const kept = JSON.parse(JSON.stringify([revoked]));
  const after = new Invitations(SECRET, clock, kept);
  assertEquals(after.revoked, [revoked.id]);
  await clock.advance(61_000);
  assertEquals(after.revoked, []);
  for (const wrong of [{}, [5], [{ id: "x" }], [null]] as unknown[]) {
    assertThrows(
      () => new Invitations(SECRET, clock, wrong as never),
      TypeError,
      "revoked: expected",
    );
  }
});

Deno.test("the name of an invitation is no page's to change", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const page = fixture.enter("Eve", {}, { invitation: invitation() });
  assertEquals(page.last("welcome")?.name, "Olga");
  page.say({ type: "name", name: "Ada" });
  fixture.peers[0]!.become("connected");
  assertEquals(joined(agent).map(({ name }) => name), ["Olga"]);
  await settle();
  // One without a name leaves it to the page.
  const nameless = invitation({}, { user: { id: "owner", name: "" } });
  assertEquals(fixture.enter("Ada", {}, { invitation: nameless }).last("welcome")?.name, "Ada");
});

Deno.test("a participant who may not publish is neither heard nor seen, whatever the page says", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const muted = invitation({ publish: false });
  const { peer, page } = await fixture.join("Eve", { camera: true, screen: true }, muted);
  const directions = peer.transceivers.map(({ direction }) => direction);
  assertEquals(directions.slice(0, 3), ["sendonly", "inactive", "inactive"]);
  assertEquals(page.last("welcome")?.grants, { ...ALL_GRANTS, publish: false });
  assertEquals(agent.take(), ["participantJoined Olga"]);
  assertEquals(fixture.audio.sources.size, 0);
});

Deno.test("a participant who may not subscribe receives no audio and no video", async () => {
  const fixture = new RoomFixture();
  await fixture.join("Ada", { camera: true });
  const { peer, page } = await fixture.join("Eve", {}, invitation({ subscribe: false }));
  assertEquals(peer.transceivers.map(({ direction }) => direction), [
    "recvonly",
    "recvonly",
    "recvonly",
    "recvonly", // the sound of a screen
  ]);
  assertEquals([peer.transceivers[0]!.sender.track, fixture.audio.listeners.size], [null, 1]);
  assertEquals(page.last("videos"), undefined);
});

Deno.test("a participant who may not send events is told so, and no other member hears of it", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const ada = await fixture.join("Ada");
  const eve = await fixture.join("Eve", {}, invitation({ sendEvents: false }));
  agent.take();
  for (
    const sent of [{ type: "event", data: { text: "hi" } }, { type: "text", text: "hi" }] as const
  ) {
    eve.page.received.length = 0;
    eve.page.say(sent);
    assertEquals(eve.page.last("unsent")?.code, "not-allowed");
  }
  assertEquals([agent.take(), ada.page.last("event")], [[], undefined]);
});

Deno.test("signInvitation names what is wrong", async () => {
  for (
    const [init, what] of [
      [{ user: { id: "" } }, "user.id"],
      [{ user: { id: "x".repeat(101) } }, "user.id"],
      [{ user: { id: "owner", name: "a\nb" } }, "user.name"],
      [{ grants: { hear: true } }, "grants"],
      [{ grants: { publish: 1 } }, "grants.publish"],
    ] as const
  ) await assertRejects(() => token(init as never), TypeError, what);
});

Deno.test("invitations work on the clock of the media process", async () => {
  const clock = new VirtualClock({ startEpochMs: NOW });
  await using fixture = await ServerFixture.open({ secret: SECRET }, clock);
  await fixture.join();
  const page = await fixture.open();
  page.say(hello("Eve", { ...CALL, secret: await token() }));
  await page.next("welcome");
  await clock.advance(60_000);
  const late = await fixture.open();
  late.say(hello("Eve", { ...CALL, secret: await token() }));
  assertEquals((await late.next("rejected")).code, "invitation-expired");
});

Deno.test("two invitations of one user at one time are two, and a list is no grants", async () => {
  assertNotEquals(invitationId(await token()), invitationId(await token()));
  await assertRejects(() => token({ grants: [] as Partial<Grants> }), TypeError, "grants");
  const theirs = jsonwebtoken.sign(
    { call: "kitchen", grants: [], exp: NOW / 1000 + 60 },
    SECRET,
    { subject: "owner" },
  );
  await assertRejects(() => readInvitation(theirs, SECRET, AT), Rejection);
});
