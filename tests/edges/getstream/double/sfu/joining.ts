/** Joins: the SFU accepts, ignores or refuses them. @module */
import {
  type JoinRequest,
  ReconnectStrategy,
  TrackType,
} from "../../../../../src/edges/getstream/child/proto/signal_pb.ts";
import { checkToken, type Claims } from "../jwt.ts";
import { Leg, sendTo } from "./leg.ts";
import { Refused } from "./refused.ts";
import { Member, type Rights } from "./call_room.ts";
import type { Session } from "./session.ts";
import type { Sfu } from "./sfu.ts";

/** Handles a join; returns no session when it ignored or refused it on command. */
export async function join(
  sfu: Sfu,
  socket: WebSocket,
  edge: string,
  request: JoinRequest,
): Promise<Session | undefined> {
  const details = request.reconnectDetails;
  const strategy = details?.strategy ?? ReconnectStrategy.UNSPECIFIED;
  sfu.seen.joins.push({
    edge,
    sessionId: request.sessionId,
    strategy,
    fast: request.fastReconnect,
    previousSessionId: details?.previousSessionId ?? "",
    fromSfuId: details?.fromSfuId ?? "",
    announced: details?.announcedTracks.length ?? 0,
    attempt: details?.reconnectAttempt ?? 0,
    preferred: request.preferredPublishOptions
      .filter(({ trackType }) => trackType === TrackType.VIDEO)
      .map(({ codec }) => codec?.name ?? ""),
  });
  const joinBehaviour = sfu.joinBehaviours.take(edge);
  if (joinBehaviour?.silent) return undefined;
  if (joinBehaviour?.garbage) {
    socket.send(new Uint8Array([0xff, 0xff, 0xff, 0xff]));
    return undefined;
  }
  if (joinBehaviour?.code) {
    const error = { code: joinBehaviour.code, message: "refused on command" };
    sendTo(socket, { case: "error", value: { error, reconnectStrategy: joinBehaviour.strategy } });
    return undefined;
  }
  const checked = await checkToken(request.token, sfu.key);
  if (!("claims" in checked)) throw new Refused(`the token: ${checked.fault}`, 401);
  const { claims } = checked;
  if (claims.edge !== edge) throw new Refused(`a token of ${claims.edge}`, 401);
  checkJoin(request, strategy);
  const { session, reconnected } = enter(sfu, { socket, edge, request, strategy, claims });
  sfu.sessions.set(request.sessionId, session);
  const { room, leg } = session;
  leg.send({
    case: "joinResponse",
    value: {
      reconnected,
      fastReconnectDeadlineSeconds: sfu.fastDeadlineSeconds,
      publishOptions: sfu.publishOptions,
      callState: {
        participants: room.participants.map((member) => member.describe()),
        participantCount: room.participantCount,
        e2eeEnabled: sfu.isEncrypted,
      },
    },
  });
  if (reconnected) leg.restartIce();
  room.sync();
  return session;
}

/** Creates, resumes or migrates the session of a member. */
function enter(
  sfu: Sfu,
  options: {
    socket: WebSocket;
    edge: string;
    request: JoinRequest;
    strategy: ReconnectStrategy;
    claims: Claims;
  },
): { session: Session; reconnected: boolean } {
  const { socket, edge, request, strategy, claims } = options;
  const { sessionId, reconnectDetails } = request;
  const room = sfu.room(String(claims.cid));
  const known = sfu.sessions.get(sessionId);
  const isKnown = known !== undefined && room.members.get(sessionId) === known.member;
  if (strategy === ReconnectStrategy.FAST && isKnown) {
    clearTimeout(known.member.removal);
    known.leg.socket = socket;
    known.leg.isMute = false;
    return { session: known, reconnected: true };
  }
  const createLeg = () =>
    new Leg(edge, { socket, network: sfu.network, onChange: () => room.sync() });
  if (strategy === ReconnectStrategy.MIGRATE && isKnown) {
    const from = reconnectDetails?.fromSfuId;
    if (from !== known.leg.edge) {
      throw new Refused(`migrating from ${from}, being on ${known.leg.edge}`);
    }
    const leg = known.member.nextLeg = createLeg();
    room.migrate(known.member);
    return { session: { room, member: known.member, leg }, reconnected: false };
  }
  if (isKnown) throw new Refused("the session is here already");
  const { user_id: userId = "", name, rights } = claims;
  if (rights) room.rights.set(userId, rights as Rights);
  const member = new Member(userId, sessionId, String(name ?? userId), claims.isAnonymous === true);
  const leg = member.leg = createLeg();
  room.add(member);
  return { session: { room, member, leg }, reconnected: false };
}

function checkJoin(join: JoinRequest, strategy: ReconnectStrategy): void {
  if (!/^[0-9a-f-]{36}$/.test(join.sessionId)) throw new Refused("the session id is no uuid");
  for (const sdp of [join.publisherSdp, join.subscriberSdp]) {
    if (!/^v=0\r?\n[^]*^m=audio/m.test(sdp)) throw new Refused("a capability offer is missing");
  }
  const { sdk, os } = join.clientDetails ?? {};
  if (!sdk?.type || sdk.major === "" || !os?.name) throw new Refused("no details of the client");
  if (join.fastReconnect !== (strategy === ReconnectStrategy.FAST)) {
    throw new Refused("fast_reconnect and the strategy contradict each other");
  }
  const details = join.reconnectDetails;
  if (strategy === ReconnectStrategy.REJOIN && !details?.previousSessionId) {
    throw new Refused("a rejoin names no previous session");
  }
  if (strategy === ReconnectStrategy.MIGRATE && !details?.fromSfuId) {
    throw new Refused("a migration names no SFU");
  }
}
