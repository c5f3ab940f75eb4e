import asyncio

import pytest
from hub_for_rules import RecordingCamera, RecordingPtz, built_in_words

from siaga.core.errors import ActionFailed, CameraLost, NotSupported
from siaga.core.texts import Texts
from siaga.core.types import ActionCall


class RecordingOutputs:
    """Switch, and remember it; dead or hanging when told so."""

    def __init__(self):
        self.asked = []
        self.is_dead = self.is_hanging = False

    async def outputs(self):
        return ("siren", "lamp")

    async def switch(self, output, is_on, for_s):
        if self.is_hanging:
            await asyncio.Event().wait()
        if self.is_dead:
            raise CameraLost("kamera tidak menjawab")
        if output not in await self.outputs():
            raise NotSupported(f"tidak ada keluaran '{output}'")
        self.asked.append((output, is_on, for_s))

    async def play(self, sound):
        self.asked.append(("play", sound))


class SmallHub:
    """Know the cameras and the words, no more."""

    def __init__(self, **cameras):
        self.texts = Texts("id")
        self._cameras = cameras

    def camera(self, camera_id):
        return self._cameras[camera_id]


def camera_with_outputs():
    camera = RecordingCamera(RecordingPtz())
    camera.io = RecordingOutputs()
    return camera


async def act(hub, name, data, *cameras):
    kind = built_in_words().actions[name]
    call = ActionCall(action=name, key="run:actions[0]", target={"camera": cameras}, data=kind.schema(data))
    return await kind.make().run(call, hub)


@pytest.mark.parametrize(
    ("name", "data", "asked"),
    [
        ("io.siren", {}, ("siren", True, 10.0)),
        ("io.siren", {"seconds": "1 min"}, ("siren", True, 60.0)),
        ("io.siren", {"on": False}, ("siren", False, 0.0)),
        ("io.lamp", {"seconds": "30 s"}, ("lamp", True, 30.0)),
        ("io.switch", {"output": "lamp"}, ("lamp", True, 0.0)),
        ("io.speaker", {"sound": "Mohon menjauh dari kali"}, ("play", "Mohon menjauh dari kali")),
    ],
)
async def test_an_output_is_asked_once_with_its_time(name, data, asked):
    camera = camera_with_outputs()
    result = await act(SmallHub(kali=camera), name, data, "kali")
    assert result.is_ok and camera.io.asked == [asked]


async def test_a_dead_camera_does_not_keep_the_others_from_sounding_and_is_named():
    dead, well = camera_with_outputs(), camera_with_outputs()
    dead.io.is_dead = True
    with pytest.raises(ActionFailed, match=r"kali, io\.siren: kamera tidak menjawab"):
        await act(SmallHub(kali=dead, ptz=well), "io.siren", {}, "kali", "ptz")
    assert well.io.asked == [("siren", True, 10.0)]


async def test_a_camera_without_outputs_says_so():
    with pytest.raises(ActionFailed, match="sirene"):
        await act(SmallHub(kali=RecordingCamera()), "io.siren", {}, "kali")


@pytest.mark.parametrize("data", [{"seconds": "10 min"}, {"seconds": "0 s"}, {"lama": 3}])
def test_a_siren_that_would_wake_the_kelurahan_is_a_mistake(data):
    with pytest.raises(Exception, match=r"seconds|lama"):
        built_in_words().actions["io.siren"].schema(data)
