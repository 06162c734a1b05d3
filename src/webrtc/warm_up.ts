import { RTCPeerConnection } from "werift";
import { systemClock, withTimeLimit } from "../async/mod.ts";

/** Seconds after which a warm-up that does not come up is given up. */
const LIMIT = 3;

/**
 * Brings one peer connection up with itself over loopback and closes it, so that the certificate exists and the code is
 * compiled before the first viewer comes.
 */
export async function warmUp(): Promise<void> {
  const caller = loopbackPeer();
  const callee = loopbackPeer();
  try {
    const channel = caller.createDataChannel("warm-up");
    const opened = new Promise<void>((resolve) => {
      channel.stateChanged.subscribe((state) => state === "open" && resolve());
    });
    forgetStun(caller);
    await caller.setLocalDescription(await caller.createOffer());
    if (caller.localDescription === null) return;
    await callee.setRemoteDescription(caller.localDescription);
    forgetStun(callee);
    await callee.setLocalDescription(await callee.createAnswer());
    if (callee.localDescription === null) return;
    await caller.setRemoteDescription(callee.localDescription);
    await withTimeLimit(systemClock, LIMIT, opened);
  } finally {
    await Promise.all([caller.close(), callee.close()]);
  }
}

function loopbackPeer(): RTCPeerConnection {
  return new RTCPeerConnection({
    iceServers: [],
    iceAdditionalHostAddresses: ["127.0.0.1"],
    bundlePolicy: "max-bundle",
  });
}

/** An empty server list still asks a public one. */
function forgetStun(peer: RTCPeerConnection): void {
  for (const transport of peer.iceTransports) delete transport.connection.stunServer;
}
