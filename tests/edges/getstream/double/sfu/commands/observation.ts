/** Commands that tell what was heard, seen and said. @module */
import type { Command } from "./params.ts";

export const OBSERVATION: Record<string, Command> = {
  record: (_, p) => {
    p.room.recorder(p.text("userId"));
    p.room.sync();
  },
  heard: (_, p) => {
    const { heard } = p.room.recorder(p.text("userId"));
    return heard.filter(({ at }) => at >= p.number("since"));
  },
  // For a test that looks at what is heard without waiting for an answer.
  reportHeard: (sfu, p) => {
    p.room.onHeard = (userId, ms) => sfu.onHeard?.(p.text("cid"), userId, ms);
    p.room.sync();
  },
  seen: (_, p) => {
    const { frames, size, luma } = p.room.recorder(p.text("userId"));
    return { frames, size, luma };
  },
  now: () => performance.now(),
  members: (_, p) =>
    [...p.room.members.values()].map((member) => ({
      userId: member.userId,
      sessionId: member.sessionId,
      types: member.types,
      muted: [...member.muted],
      edges: member.legs.map(({ edge }) => edge),
      statsReports: member.statsReports,
    })),
  report: (sfu) => sfu.seen,
  paths: (sfu) => sfu.network.paths,
};
