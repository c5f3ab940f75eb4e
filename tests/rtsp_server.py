"""Starts a real RTSP server (GStreamer's) for tests and breaks it on command.

Imported, it offers ``RtspServer``. Run by /usr/bin/python3 (which has ``gi``) it is the server itself:
``rtsp_server.py '{"clips": {...}, ...}'`` with commands on standard input, one a line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from media_clips import TestClip

SYSTEM_PYTHON = "/usr/bin/python3"
PACKAGES = (
    "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
)


class RtspServer:
    """Serve a clip, looped, on mounts /cam0 ... of a free port of 127.0.0.1; a context manager."""

    def __init__(
        self,
        clip: TestClip,
        *,
        mounts: int = 1,
        login: tuple[str, str] | None = None,
        digest: bool = False,
        shared: bool = False,
        in_band: bool = True,
        sound: bool = False,
    ) -> None:
        """Start it; ``login`` asks for Basic (or Digest) authorization, ``shared`` feeds all mounts at once.

        ``in_band`` False leaves parameter sets to the session description alone; ``sound`` adds a tone
        that no stall silences.
        """
        options = {
            "clip": _spell(clip),
            "mounts": mounts,
            "login": login,
            "digest": digest,
            "shared": shared,
            "in_band": in_band,
            "sound": sound,
        }
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, str(Path(__file__).resolve()), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        answer = self._read_line()
        if not answer.startswith("ready "):
            raise RuntimeError(f"the RTSP server does not start; it needs: apt-get install {PACKAGES}")
        self.port = int(answer.split()[1])

    def url(self, mount: int | str = 0) -> str:
        """Return a mount's address, without login."""
        return f"rtsp://127.0.0.1:{self.port}/cam{mount}"

    def drop(self, mount: int = 0) -> None:
        """Close the connections of a mount's clients; they may come again at once."""
        self._tell("drop", mount)

    def stall(self, mount: int = 0) -> None:
        """Send nothing more, connections stay open."""
        self._tell("stall", mount)

    def resume(self, mount: int = 0) -> None:
        """End a stall; time has gone on."""
        self._tell("resume", mount)

    def off(self, mount: int = 0) -> None:
        """Close a mount's clients and answer 404 from now on."""
        self._tell("off", mount)

    def on(self, mount: int = 0) -> None:
        """Serve a mount again."""
        self._tell("on", mount)

    def switch(self, mount: int, clip: TestClip) -> None:
        """Play another clip: in the running stream when the codec is the same, else after a drop."""
        self._tell("switch", mount, _spell(clip))

    def close(self) -> None:
        """End the server."""
        self._process.kill()
        self._process.wait(5)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def __enter__(self) -> RtspServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, verb: str, mount: int, clip: dict[str, Any] | None = None) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"verb": verb, "mount": f"cam{mount}", "clip": clip}) + "\n")
        self._process.stdin.flush()
        answer = self._read_line()
        if answer != "ok":
            raise RuntimeError(f"the RTSP server did not obey {verb}: {answer!r}")

    def _read_line(self) -> str:
        assert self._process.stdout
        timer = threading.Timer(15, self._process.kill)  # a server that does not answer ends the test, not the run
        timer.start()
        try:
            return self._process.stdout.readline().strip()
        finally:
            timer.cancel()


def _spell(clip: TestClip) -> dict[str, Any]:
    return {"units": str(clip.units), "codec": {"hevc": "h265"}.get(clip.codec, clip.codec), "fps": clip.fps}


def _serve(options: dict[str, Any]) -> None:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    Gst.init(None)
    keep, remove = GstRtspServer.RTSPFilterResult.KEEP, GstRtspServer.RTSPFilterResult.REMOVE

    def read_units(path: str) -> list[bytes]:
        content, units, at = Path(path).read_bytes(), [], 0
        while at < len(content):
            length = int.from_bytes(content[at : at + 4], "big")
            units.append(content[at + 4 : at + 4 + length])
            at += 4 + length
        return units

    class Scene:
        """What one mount plays, and whether it stands still."""

        def __init__(self, clip: dict[str, Any]) -> None:
            self.is_stalled = False
            self.version = 0
            self.play(clip)

        def play(self, clip: dict[str, Any]) -> None:
            self.codec, self.frame_ns = clip["codec"], Gst.SECOND // clip["fps"]
            self.units = read_units(clip["units"])
            self.version += 1

    class Feeder:
        """Push a scene's access units into one pipeline as it asks for them, timestamps running on."""

        def __init__(self, scene: Scene, source: Any) -> None:
            self.scene, self.source = scene, source
            self.version, self.index, self.time_ns = scene.version, 0, 0
            source.connect("need-data", self.push)

        def push(self, source: Any, _length: int) -> None:
            if self.scene.is_stalled:
                GLib.timeout_add(50, self.wait)
                return
            if self.version != self.scene.version:
                self.version, self.index = self.scene.version, 0
            buffer = Gst.Buffer.new_wrapped(self.scene.units[self.index % len(self.scene.units)])
            buffer.pts = buffer.dts = self.time_ns
            buffer.duration = self.scene.frame_ns
            self.index += 1
            self.time_ns += self.scene.frame_ns
            source.emit("push-buffer", buffer)

        def wait(self) -> bool:
            if self.scene.is_stalled:
                self.time_ns += 50 * Gst.MSECOND
                return True
            self.push(self.source, 0)
            return False

    class Factory(GstRtspServer.RTSPMediaFactory):
        scene: Scene
        is_one = False

        def do_gen_key(self, url: Any) -> str:
            return "one" if self.is_one else url.abspath

        def do_configure(self, media: Any) -> None:
            GstRtspServer.RTSPMediaFactory.do_configure(self, media)
            media.feeder = Feeder(self.scene, media.get_element().get_child_by_name("src"))

    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    server.set_backlog(512)
    mounts = server.get_mount_points()
    names = [f"cam{k}" for k in range(options["mounts"])]
    one = Scene(options["clip"])
    scenes = {name: one if options["shared"] else Scene(options["clip"]) for name in names}

    if options["login"]:
        auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "user")
        user, password = options["login"]
        if options["digest"]:
            auth.set_supported_methods(2)  # GstRtsp.RTSPAuthMethod.DIGEST
            auth.add_digest(user, password, token)
        else:
            auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
        server.set_auth(auth)

    def add(name: str) -> None:
        factory, scene = Factory(), scenes[name]
        factory.scene, factory.is_one = scene, options["shared"]
        factory.set_shared(True)
        interval = -1 if options["in_band"] else 0
        tone = "audiotestsrc is-live=true ! audio/x-raw,rate=8000 ! alawenc ! rtppcmapay name=pay1 pt=8 "
        factory.set_launch(
            "( appsrc name=src format=time is-live=false block=false max-bytes=20000 "
            f"caps=video/x-{scene.codec},stream-format=byte-stream,alignment=au "
            f"! {scene.codec}parse config-interval={interval} "
            f"! rtp{scene.codec}pay name=pay0 pt=96 config-interval=0 {tone if options['sound'] else ''})"
        )
        if options["login"]:
            permissions = GstRtspServer.RTSPPermissions()
            for what in ("access", "construct"):
                permissions.add_permission_for_role("user", f"media.factory.{what}", True)
            factory.set_permissions(permissions)
        mounts.add_factory(f"/{name}", factory)

    def drop(name: str) -> None:
        found = []

        def look(_server: Any, client: Any) -> Any:
            for session in client.session_filter(None) or []:
                if any(media.matches(f"/{name}")[0] for media in session.filter(None) or []):
                    found.append(client)
            return keep

        server.client_filter(look)
        for client in found:
            client.close()

    def obey(line: str) -> bool:
        order = json.loads(line)
        verb, name = order["verb"], order["mount"]
        scene = scenes[name]
        if verb in ("stall", "resume"):
            scene.is_stalled = verb == "stall"
        elif verb == "switch":
            is_other = scene.codec != order["clip"]["codec"]
            scene.play(order["clip"])
            if is_other:
                mounts.remove_factory(f"/{name}")
                drop(name)
                add(name)
        elif verb == "on":
            add(name)
        elif verb == "off":
            mounts.remove_factory(f"/{name}")
            drop(name)
        elif verb == "drop":
            drop(name)
        elif verb == "drop_all":
            server.client_filter(lambda _server, _client: remove)
        print("ok", flush=True)
        return False

    def listen(loop: Any) -> None:
        for line in sys.stdin:
            GLib.idle_add(obey, line)
        loop.quit()  # the test is gone

    for name in names:
        add(name)
    server.attach(None)
    loop = GLib.MainLoop()
    threading.Thread(target=listen, args=(loop,), daemon=True).start()
    print("ready", server.get_bound_port(), flush=True)
    loop.run()


if __name__ == "__main__":
    _serve(json.loads(sys.argv[1]))
