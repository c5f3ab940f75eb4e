"""Serves ONVIF cameras that are not ours: PyPI's ipycam answers, aiohttp carries, each camera on a port of its own.

Its PTZ answers use prefixes that they do not declare; ``is_mended`` declares them, else it is a camera with bad XML.
"""

import re
from contextlib import asynccontextmanager

from aiohttp import web

_PREFIXES = 'xmlns:ptz="http://www.onvif.org/ver20/ptz/wsdl" xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl" '
LOGIN = {"username": "admin", "password": "s3cret"}


def _service(number, port, rtsp_port, is_mended):
    from ipycam.config import CameraConfig
    from ipycam.onvif import ONVIFService
    from ipycam.ptz import PTZController

    config = CameraConfig(
        name=f"Kamera {number}", local_ip="127.0.0.1", onvif_port=port, rtsp_port=rtsp_port,
        main_stream_name=f"cam{number}", serial_number=f"SN{number:05d}", **LOGIN,
    )  # fmt: skip
    ptz = PTZController(640, 360, 4.0, enable_digital_ptz=False)
    # It would keep its presets in a file of the folder that it happens to run in, for all cameras alike.
    ptz._save_presets = lambda *_: None
    ptz.presets.clear()
    service = ONVIFService(config, ptz)
    if is_mended:
        whole = service._templates["envelope"]
        service._templates["envelope"] = whole.replace("xmlns:trt=", f"{_PREFIXES}xmlns:trt=", 1)
    return service


def _camera(service, asked):
    async def answer(request):
        body = await request.text()
        found = re.search(r"<(?:[\w-]+:)?Body[^>]*>\s*<(?:[\w-]+:)?(\w+)", body)
        action = found[1] if found else ""
        asked.append(action)
        if action != "GetSystemDateAndTime" and not service.verify_usernametoken(body):
            refusal = service.fault("Sender not authorized")
            return web.Response(status=401, text=refusal, content_type="application/soap+xml")
        return web.Response(text=service.handle_action(action, body), content_type="application/soap+xml")

    app = web.Application()
    app.router.add_post("/onvif/{service}", answer)
    return app


@asynccontextmanager
async def onvif_farm(ports, rtsp_port=554, is_mended=True):
    """Serve a camera on each port; yield what each was asked, by port."""
    runners, asked = [], {port: [] for port in ports}
    try:
        for number, port in enumerate(ports):
            service = _service(number, port, rtsp_port, is_mended)
            runner = web.AppRunner(_camera(service, asked[port]), access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            runners.append(runner)
        yield asked
    finally:
        for runner in runners:
            await runner.cleanup()
