"""A plain aiortc server that answers key presses with pictures: the control bench's point of comparison.

Each session loops a clip and has a pad of four arrows in the bottom right; the arrow whose key is held is green. The
pad is drawn after the wait for the frame's time, so it shows every message that has come by then. Same HTTP API as the
stream server: POST /v1/stream/webrtc/offer, DELETE /v1/stream/webrtc/{id}, GET /v1/service/ready. Messages over the
DataChannel `telefuser`: {"type": "control", "id", "key", "action": "press" | "release"}.
"""

import argparse
import asyncio
import json
import logging
import sys
import time
import uuid

try:
    import aioice.ice
    import av
    import numpy
    from aiohttp import web
    from aiortc import (
        RTCConfiguration,
        RTCPeerConnection,
        RTCSessionDescription,
        VideoStreamTrack,
    )
    from PIL import Image, ImageDraw
except ImportError as error:
    sys.exit(
        f"the Python package {error.name!r} is missing: "
        "pip install -r bench/peers/requirements.txt"
    )

from aiortc_server import MIME_TYPES, prefer_codec, stamp

# Limited-range BT.601 Y, Cb, Cr.
GREEN = (137, 68, 54)
GREY = (110, 128, 128)
# Left, top and size of the keys in pixels of a 640x360 picture; even numbers, as chroma has half of them.
KEY_SIZE = 48
KEYS = {
    "ArrowUp": ((504, 212), 0),
    "ArrowLeft": ((448, 268), 90),
    "ArrowDown": ((504, 268), 180),
    "ArrowRight": ((560, 268), 270),
}


def load_clip(path):
    """All pictures of a video as yuv420p arrays, decoded once."""
    with av.open(path) as container:
        frames = [frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)]
    if not frames:
        sys.exit(f"no picture in {path}")
    return frames


class Pad:
    """Draws the arrows into yuv420p arrays."""

    def __init__(self, width, height):
        self._width = width
        self._height = height
        self._shapes = {key: arrow(angle) for key, (_, angle) in KEYS.items()}

    def draw(self, picture, pressed):
        for key, ((left, top), _) in KEYS.items():
            color = GREEN if key in pressed else GREY
            for plane, value, scale in zip(self._planes(picture), color, (1, 2, 2)):
                shape = self._shapes[key][::scale, ::scale]
                side = KEY_SIZE // scale
                area = plane[top // scale : top // scale + side, left // scale : left // scale + side]
                area[shape] = value

    def _planes(self, picture):
        flat = picture.reshape(-1)
        luma = self._width * self._height
        chroma = luma // 4
        half = (self._height // 2, self._width // 2)
        return (
            flat[:luma].reshape(self._height, self._width),
            flat[luma : luma + chroma].reshape(half),
            flat[luma + chroma :].reshape(half),
        )


def arrow(angle):
    """An upward arrow, turned counter-clockwise by so many degrees, as a boolean array."""
    image = Image.new("1", (KEY_SIZE, KEY_SIZE))
    end = KEY_SIZE - 1
    ImageDraw.Draw(image).polygon([(end / 2, 4), (end, end - 4), (0, end - 4)], fill=1)
    return numpy.array(image.rotate(angle))


class ArrowTrack(VideoStreamTrack):
    """Releases the clip's pictures on a monotonic clock, for ever, with the pad as it is at that time."""

    def __init__(self, clip, fps, pad):
        super().__init__()
        self.pressed = set()
        self._clip = clip
        self._fps = fps
        self._pad = pad
        self._index = 0
        self._started = None

    async def recv(self):
        now = time.monotonic()
        if self._started is None:
            self._started = now
        wait = self._started + self._index / self._fps - now
        if wait > 0:
            await asyncio.sleep(wait)
        picture = self._clip[self._index % len(self._clip)].copy()
        self._pad.draw(picture, self.pressed)
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        stamp(frame, self._index, self._fps)
        self._index += 1
        return frame

    def control(self, text):
        message = json.loads(text)
        if message.get("type") != "control" or message.get("key") not in KEYS:
            return
        if message.get("action") == "press":
            self.pressed.add(message["key"])
        else:
            self.pressed.discard(message["key"])


class Server:
    """Sessions by id, and the HTTP routes over them."""

    def __init__(self, options, clip):
        self._options = options
        self._clip = clip
        height, width = clip[0].shape
        self._pad = Pad(width, height * 2 // 3)
        self._peers = {}

    def app(self):
        app = web.Application()
        app.router.add_get("/v1/service/ready", self.ready)
        app.router.add_post("/v1/stream/webrtc/offer", self.offer)
        app.router.add_delete("/v1/stream/webrtc/{id}", self.delete)
        app.on_shutdown.append(self.close_all)
        return app

    async def ready(self, _request):
        return web.json_response({"ready": True})

    async def offer(self, request):
        body = await request.json()
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        session = uuid.uuid4().hex
        self._peers[session] = peer
        track = ArrowTrack(self._clip, self._options.fps, self._pad)

        @peer.on("connectionstatechange")
        async def on_state():
            if peer.connectionState in ("failed", "closed"):
                await self._close(session)

        @peer.on("datachannel")
        def on_channel(channel):
            if channel.label == "telefuser":
                channel.on("message", track.control)

        sender = peer.addTrack(track)
        prefer_codec(peer, sender, MIME_TYPES[self._options.codec])
        await peer.setRemoteDescription(RTCSessionDescription(body["sdp"], body["type"]))
        await peer.setLocalDescription(await peer.createAnswer())
        answer = peer.localDescription
        return web.json_response({"session_id": session, "sdp": answer.sdp, "type": answer.type})

    async def delete(self, request):
        found = await self._close(request.match_info["id"])
        return web.json_response({"closed": found}, status=200 if found else 404)

    async def close_all(self, _app):
        await asyncio.gather(*(self._close(session) for session in list(self._peers)))

    async def _close(self, session):
        peer = self._peers.pop(session, None)
        if peer is not None:
            await peer.close()
        return peer is not None


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--codec", choices=sorted(MIME_TYPES), default="vp8")
    parser.add_argument("--fps", type=float, default=24)
    parser.add_argument("--clip", required=True, help="a 640x360 video")
    return parser.parse_args()


def main():
    options = parse_options()
    logging.basicConfig(level=logging.WARNING)
    # aioice leaves loopback out; the bench has nothing else to go through.
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [options.host]
    server = Server(options, load_clip(options.clip))
    web.run_app(server.app(), host=options.host, port=options.port, print=None)


if __name__ == "__main__":
    main()
