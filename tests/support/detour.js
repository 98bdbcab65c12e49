// Sends a page's media by way of the relay: evaluated in the page before it joins. The server learns
// no address of the page's and the page no port of the server's, so that there is no other way.
{
  const ours = /^(a=)?candidate:(\S+) (\d+) udp (\d+) 127\.0\.0\.1 (\d+) typ/i;

  const detour = async (line) => {
    const found = ours.exec(line);
    if (!found) return undefined;
    const port = await globalThis.relayPort(Number(found[5]));
    return line.replace(` ${found[5]} typ`, ` ${port} typ`);
  };

  const { addIceCandidate, setRemoteDescription } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.addIceCandidate = async function (candidate) {
    const line = await detour(candidate.candidate);
    if (line !== undefined) {
      await addIceCandidate.call(this, { ...candidate, candidate: line });
    }
  };
  RTCPeerConnection.prototype.setRemoteDescription = async function ({ type, sdp }) {
    const lines = await Promise.all(
      sdp.split("\r\n").map((line) => line.startsWith("a=candidate:") ? detour(line) : line),
    );
    const way = lines.filter((line) => line !== undefined).join("\r\n");
    await setRemoteDescription.call(this, { type, sdp: way });
  };

  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    const message = JSON.parse(data);
    if (message.type === "candidate") return;
    if (message.type === "answer") {
      message.sdp = message.sdp.replaceAll(/^a=candidate:.*\r\n/gm, "");
    }
    send.call(this, JSON.stringify(message));
  };
}
