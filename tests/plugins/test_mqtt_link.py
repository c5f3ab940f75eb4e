"""MQTT against a real broker: messages become events once, outages and wrong passwords are said in words."""

import asyncio
import contextlib

import aiomqtt
import pytest
import voluptuous as vol
from hub_site import until, write_hub
from mqtt_broker import MOSQUITTO, Broker

from siaga.core.errors import LinkLost
from siaga.core.settings import LinkSettings
from siaga.plugins.links.mqtt import MAX_PAYLOAD_CHARS, SCHEMA, MqttLink
from siaga.testing import OwnServices

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MOSQUITTO, reason="mosquitto is missing: apt-get install mosquitto"),
]


@pytest.fixture
def broker(tmp_path):
    """Run a broker without passwords."""
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@contextlib.asynccontextmanager
async def running(broker, services, **options):
    """Keep a link connected for the length of the block; yields the task that runs it."""
    checked = SCHEMA({"host": "127.0.0.1", "port": broker.port, "subscribe": "pompa/#", **options})
    link = MqttLink(LinkSettings(id="sensor", type="mqtt", options=checked), services)
    up = asyncio.Event()
    task = asyncio.ensure_future(link.run(up.set))
    try:
        await asyncio.wait({asyncio.ensure_future(up.wait()), task}, return_when="FIRST_COMPLETED", timeout=10)
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def publish(broker, topic, payload, **more):
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.publish(topic, payload, qos=1, **more)


async def test_a_message_becomes_an_event_with_its_text_and_what_it_means(broker, tmp_path):
    async with OwnServices(tmp_path) as services, running(broker, services):
        await publish(broker, "pompa/1/status", b'{"arus": 3.5, "nyala": true}')
        await publish(broker, "lain/1", b"not ours")
        await publish(broker, "pompa/2", b"\xff mati " + b"x" * 10_000)
        await until(lambda: len(services.emitted) == 2)
    (kind, first), (_, second) = services.emitted
    assert kind == "mqtt.message"
    assert (first["link"], first["topic"], first["json"]) == ("sensor", "pompa/1/status", {"arus": 3.5, "nyala": True})
    assert (first["is_cut"], first["is_retained"]) == (False, False)
    assert second["json"] is None and second["is_cut"] and len(second["payload"]) == MAX_PAYLOAD_CHARS


async def test_what_the_broker_kept_from_before_is_marked(broker, tmp_path):
    await publish(broker, "pompa/1", b"NYALA", retain=True)
    async with OwnServices(tmp_path) as services, running(broker, services):
        await until(lambda: services.emitted)
    assert services.emitted[0][1]["is_retained"]


async def test_what_came_while_the_hub_was_away_is_told_when_it_is_back_and_once(broker, tmp_path):
    async with OwnServices(tmp_path) as services:
        async with running(broker, services):
            pass
        await publish(broker, "pompa/1", b"BANJIR")
        broker.stop()
        broker.start()
        async with running(broker, services):
            await until(lambda: services.emitted)
        async with running(broker, services):
            await publish(broker, "pompa/1", b"SURUT")
            await until(lambda: len(services.emitted) > 1)
    assert [data["payload"] for _, data in services.emitted] == ["BANJIR", "SURUT"]


async def test_a_broker_that_goes_ends_the_link_with_words(broker, tmp_path):
    async with OwnServices(tmp_path) as services, running(broker, services) as task:
        broker.stop()
        with pytest.raises(LinkLost, match=r"broker MQTT 127\.0\.0\.1 tidak tersambung"):
            await asyncio.wait_for(task, 10)


async def test_a_wrong_password_is_said_and_stands_in_no_message(tmp_path):
    broker = Broker(tmp_path, users={"siaga": "benar-sekali"})
    broker.start()
    try:
        async with OwnServices(tmp_path) as services:
            async with running(broker, services, username="siaga", password="salah-sekali") as task:
                with pytest.raises(LinkLost) as lost:
                    await asyncio.wait_for(task, 10)
            assert "salah-sekali" not in str(lost.value) and "uthori" in str(lost.value)
            async with running(broker, services, username="siaga", password="benar-sekali") as task:
                assert not task.done()
    finally:
        broker.stop()


async def test_the_hub_shows_a_link_that_is_lost_and_one_that_is_back(broker, tmp_path):
    links = f"links: {{sensor: {{type: mqtt, host: 127.0.0.1, port: {broker.port}, subscribe: [pompa/#]}}}}"
    hub, _ = write_hub(tmp_path, "kali: {type: uji}", more=links)

    def state():
        health = hub.health.get("link sensor")
        return health.state if health else ""

    await hub.open()
    try:
        await hub.start()
        await until(lambda: state() == "ok")
        await publish(broker, "pompa/1", b"NYALA")

        async def told():
            return await hub.events.find(kind="mqtt.message")

        await until(told)
        broker.stop()
        await until(lambda: state() == "lost")
        assert "127.0.0.1" in hub.health.get("link sensor").reason
        broker.start()
        await until(lambda: state() == "ok", limit_s=15)
    finally:
        assert await hub.stop() == ()


@pytest.mark.parametrize("topic", ["", "a/#/b", "a/b+", "#a", ["a", ""], 5.5j])
def test_a_topic_that_no_broker_takes_is_refused(topic):
    with pytest.raises(vol.Invalid):
        SCHEMA({"host": "x", "subscribe": topic})
