/**
 * The page of a call in a LiveKit room: a microphone, the people and agents, and what they say. The
 * link's fragment has the server's address and a token; it never leaves the browser but for that server.
 *
 * @module
 */
// @ts-ignore: the demo's server has it there.
import { Room, RoomEvent, Track } from "/livekit-client.js";

const element = (id) => document.getElementById(id);
const { url, token } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
// The token is not left where others might read it.
history.replaceState(null, "", location.pathname);

const room = new Room({ adaptiveStream: true, dynacast: true });

function show(id) {
  for (const one of ["lobby", "call", "end"]) element(one).hidden = one !== id;
}

function status(text) {
  element("status").textContent = text;
}

function nameOf(participant) {
  return participant?.name || participant?.identity || "A participant";
}

function tileOf(participant) {
  const id = `tile-${participant.sid}`;
  const found = element(id);
  if (found) return found;
  const tile = document.createElement("li");
  tile.id = id;
  tile.className = "tile";
  const name = document.createElement("span");
  name.className = "name";
  tile.append(name);
  element("tiles").append(tile);
  label(participant, tile);
  return tile;
}

function label(participant, tile = tileOf(participant)) {
  const own = participant === room.localParticipant ? " (you)" : "";
  const state = participant.attributes?.["lk.agent.state"];
  tile.querySelector(".name").textContent = `${nameOf(participant)}${own}${
    state ? `, ${state}` : ""
  }`;
}

function attach(track, participant) {
  const media = track.attach();
  if (track.kind === Track.Kind.Audio) document.body.append(media);
  else tileOf(participant).prepend(media);
}

function detach(track) {
  for (const media of track.detach()) media.remove();
}

/** Adds a line to the conversation, or changes the one with this id. */
function line(id, who, text) {
  const lines = element("lines");
  let item = element(`line-${id}`);
  if (text === "") return item?.remove();
  if (!item) {
    item = document.createElement("li");
    item.id = `line-${id}`;
    const name = document.createElement("span");
    name.className = "who";
    name.textContent = `${who}: `;
    item.append(name, document.createTextNode(""));
    lines.append(item);
  }
  item.lastChild.data = text;
  lines.scrollTop = lines.scrollHeight;
}

function participantOf(identity) {
  return identity === room.localParticipant.identity
    ? room.localParticipant
    : room.remoteParticipants.get(identity);
}

room
  .on(RoomEvent.TrackSubscribed, (track, _publication, participant) => attach(track, participant))
  .on(RoomEvent.TrackUnsubscribed, detach)
  .on(RoomEvent.LocalTrackPublished, ({ track }, participant) => {
    if (track.kind === Track.Kind.Video) attach(track, participant);
  })
  .on(RoomEvent.LocalTrackUnpublished, ({ track }) => detach(track))
  .on(RoomEvent.ParticipantConnected, (participant) => tileOf(participant))
  .on(RoomEvent.ParticipantDisconnected, (participant) => tileOf(participant).remove())
  .on(RoomEvent.ParticipantAttributesChanged, (_changed, participant) => label(participant))
  .on(RoomEvent.ActiveSpeakersChanged, (speakers) => {
    const speaking = new Set(speakers.map(({ sid }) => `tile-${sid}`));
    for (const tile of element("tiles").children) {
      tile.classList.toggle("speaking", speaking.has(tile.id));
    }
  })
  .on(RoomEvent.Reconnecting, () => status("Reconnecting ..."))
  .on(RoomEvent.SignalReconnecting, () => status("Reconnecting ..."))
  .on(RoomEvent.Reconnected, () => status("In the call"))
  .on(RoomEvent.Disconnected, () => {
    status("");
    element("end-text").textContent = "To come back, open a new link.";
    show("end");
  });

room.registerTextStreamHandler("lk.transcription", async (reader, { identity }) => {
  const { attributes = {} } = reader.info;
  const id = attributes["lk.segment_id"] ?? reader.info.id;
  line(id, nameOf(participantOf(identity)), await reader.readAll());
});
room.registerTextStreamHandler("lk.chat", async (reader, { identity }) => {
  line(reader.info.id, nameOf(participantOf(identity)), await reader.readAll());
});

/** Switches a device, and says so on its button. */
function toggle(id, act) {
  const button = element(id);
  button.addEventListener("click", async () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    try {
      await act(on);
      button.setAttribute("aria-pressed", String(on));
    } catch (error) {
      status(error.message);
    }
  });
}
toggle("microphone", (on) => room.localParticipant.setMicrophoneEnabled(on));
toggle("camera", (on) => room.localParticipant.setCameraEnabled(on));
toggle("screen", (on) => room.localParticipant.setScreenShareEnabled(on, { audio: true }));
element("leave").addEventListener("click", () => room.disconnect());
element("compose").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = element("text").value.trim();
  if (text === "") return;
  element("text").value = "";
  const { id } = await room.localParticipant.sendText(text, { topic: "lk.chat" });
  line(id, nameOf(room.localParticipant), text);
});

element("join").addEventListener("click", async () => {
  element("join").disabled = true;
  status("Joining ...");
  try {
    await room.connect(url, token);
    // From here on sound may play: the click allows it.
    await room.startAudio();
    for (const one of [room.localParticipant, ...room.remoteParticipants.values()]) tileOf(one);
    show("call");
    status("In the call");
  } catch (error) {
    element("message").textContent = `The call could not be joined: ${error.message}`;
    element("message").hidden = false;
    element("join").disabled = false;
    return status("");
  }
  try {
    await room.localParticipant.setMicrophoneEnabled(true);
  } catch (error) {
    element("microphone").setAttribute("aria-pressed", "false");
    status(`Without a microphone: ${error.message}`);
  }
});
if (url && token) show("lobby");
else {
  element("end-text").textContent = "This link has no token: open the one that the program prints.";
  show("end");
}
