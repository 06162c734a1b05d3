"""A plain aiortc server for generated video: the bench's point of comparison.

Each session reads chunks of base64 JPEG frames, as a pipeline yields them, decodes and converts every frame once and
lets aiortc encode and send it. Same HTTP API as the stream server: POST /v1/stream/webrtc/offer, DELETE
/v1/stream/webrtc/{id}, GET /v1/service/ready.
"""

import argparse
import asyncio
import base64
import fractions
import io
import itertools
import logging
import pathlib
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
        RTCRtpSender,
        RTCSessionDescription,
        VideoStreamTrack,
    )
    from aiortc.codecs import h264, vpx
    from av.video.reformatter import ColorRange, VideoReformatter
    from PIL import Image
except ImportError as error:
    sys.exit(
        f"the Python package {error.name!r} is missing: "
        "pip install -r bench/peers/requirements.txt"
    )

CHUNK_FRAMES = 12
CLOCK_RATE = 90_000
CALIBRATION_FRAMES = 96
CALIBRATION_ROUNDS = 2
MIME_TYPES = {"vp8": "video/VP8", "h264": "video/H264"}


def load_chunks(folder):
    """The folder's JPEG files in name order, as lists of base64 strings."""
    paths = sorted(pathlib.Path(folder).glob("*.jpg"))
    if not paths:
        sys.exit(f"no *.jpg in {folder}")
    frames = [base64.b64encode(path.read_bytes()).decode("ascii") for path in paths]
    return [frames[at : at + CHUNK_FRAMES] for at in range(0, len(frames), CHUNK_FRAMES)]


class RgbDecoder:
    """The usual way: Base64 JPEG to an RGB array to a frame, which aiortc's encoder converts to yuv420p."""

    def decode(self, text):
        with Image.open(io.BytesIO(base64.b64decode(text))) as image:
            pixels = numpy.asarray(image.convert("RGB"))
        return av.VideoFrame.from_ndarray(pixels, format="rgb24")


class YuvDecoder:
    """The lean way: Base64 JPEG to limited-range yuv420p; decoder and scaler are kept between frames."""

    def __init__(self):
        self._codec = av.CodecContext.create("mjpeg", "r")
        self._codec.thread_count = 1
        self._reformatter = VideoReformatter()

    def decode(self, text):
        [picture] = self._codec.decode(av.Packet(base64.b64decode(text)))
        return self._reformatter.reformat(
            picture, format="yuv420p", dst_color_range=ColorRange.MPEG, threads=1
        )


DECODERS = {"rgb": RgbDecoder, "yuv": YuvDecoder}


class ChunkTrack(VideoStreamTrack):
    """Releases the chunks' frames on a monotonic clock, for ever."""

    def __init__(self, chunks, fps, decoder):
        super().__init__()
        self._frames = itertools.chain.from_iterable(itertools.cycle(chunks))
        self._fps = fps
        self._decoder = decoder
        self._index = 0
        self._started = None

    async def recv(self):
        loop = asyncio.get_running_loop()
        frame = await loop.run_in_executor(None, self._decoder.decode, next(self._frames))
        now = time.monotonic()
        if self._started is None:
            self._started = now
        wait = self._started + self._index / self._fps - now
        if wait > 0:
            await asyncio.sleep(wait)
        stamp(frame, self._index, self._fps)
        self._index += 1
        return frame


class Server:
    """Sessions by id, and the HTTP routes over them."""

    def __init__(self, options, chunks):
        self._options = options
        self._chunks = chunks
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

        @peer.on("connectionstatechange")
        async def on_state():
            if peer.connectionState in ("failed", "closed"):
                await self._close(session)

        sender = peer.addTrack(ChunkTrack(self._chunks, self._options.fps, DECODERS[self._options.decode]()))
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


def prefer_codec(peer, sender, mime_type):
    """Offers only this codec, and RTX for it."""
    codecs = RTCRtpSender.getCapabilities("video").codecs
    wanted = [codec for codec in codecs if codec.mimeType in (mime_type, "video/rtx")]
    [transceiver] = [one for one in peer.getTransceivers() if one.sender == sender]
    transceiver.setCodecPreferences(wanted)


def set_encoder_bitrate(bitrate):
    """Sets aiortc's only bitrate setting, its module constants, so that receiver estimates change nothing."""
    for module in (vpx, h264):
        module.MIN_BITRATE = module.MAX_BITRATE = module.DEFAULT_BITRATE = round(bitrate)


def fix_bitrate(options, chunks):
    """Makes the encoder send `--bitrate` in fact.

    What comes out differs from what is asked for by a constant factor that depends on the builds of PyAV and libvpx
    and on the frame rate, so it is measured first.
    """
    asked = options.bitrate
    for _ in range(CALIBRATION_ROUNDS):
        set_encoder_bitrate(asked)
        asked *= options.bitrate / trial_bitrate(options, chunks)
    set_encoder_bitrate(asked)


def trial_bitrate(options, chunks):
    """Bit/s of a new encoder over the first seconds of the clip, its first second left out."""
    encoder = vpx.Vp8Encoder() if options.codec == "vp8" else h264.H264Encoder()
    decoder = DECODERS[options.decode]()
    skipped = round(options.fps)
    frames = itertools.islice(itertools.chain.from_iterable(chunks), skipped + CALIBRATION_FRAMES)
    sizes = []
    for index, text in enumerate(frames):
        frame = decoder.decode(text)
        stamp(frame, index, options.fps)
        payloads, _ = encoder.encode(frame)
        sizes.append(sum(len(payload) for payload in payloads))
    counted = sizes[skipped:]
    return sum(counted) * 8 * options.fps / len(counted)


def stamp(frame, index, fps):
    frame.pts = round(index * CLOCK_RATE / fps)
    frame.time_base = fractions.Fraction(1, CLOCK_RATE)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--codec", choices=sorted(MIME_TYPES), default="vp8")
    parser.add_argument("--decode", choices=sorted(DECODERS), default="rgb")
    parser.add_argument("--fps", type=float, default=24)
    parser.add_argument("--bitrate", type=int, default=2_000_000, help="bit/s")
    parser.add_argument("--rate", choices=("sent", "asked"), default="sent", help="what --bitrate is made true for")
    parser.add_argument("--frames", required=True, help="folder of 640x360 JPEG files")
    return parser.parse_args()


def main():
    options = parse_options()
    logging.basicConfig(level=logging.WARNING)
    # aioice leaves loopback out; the bench has nothing else to go through.
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [options.host]
    chunks = load_chunks(options.frames)
    if options.rate == "sent":
        fix_bitrate(options, chunks)
    else:
        set_encoder_bitrate(options.bitrate)
    server = Server(options, chunks)
    web.run_app(server.app(), host=options.host, port=options.port, print=None)


if __name__ == "__main__":
    main()
