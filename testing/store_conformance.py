"""The checks that a store must pass: what is kept is whole, stays inside, and comes back as it was."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar, cast

from ..core.contracts import Store
from ..core.errors import StoreFailed
from ..core.tasks import Crash, fenced, fenced_call
from .findings import fail, folder_of, shape_faults, skip, told
from .leaks import outside_calls, tasks_left
from .loop_watch import LoopWatch
from .plugin_conformance import PluginConformance

_OUTSIDE = ("../luar.jpg", "/etc/passwd", "a/../../luar.jpg", "", ".", "a\0b.jpg")
_ODD_NAMES = ("a b.jpg", "kali/rw 05/é—水.jpg", "x" * 120 + ".jpg", "x" * 119 + "y.jpg", "a/b/c/d/e/f.jpg")
_LARGE = 8_000_000


class StoreConformance(PluginConformance):
    """Check a store; a class ``Test...`` of the plugin's tests derives from it and says ``module`` and ``kind``.

    ``broken`` returns a store that cannot keep anything (a wrong key, a folder that is a file); by default its root is
    a file.
    """

    hook: ClassVar[str] = "offer_stores"

    def store(self, root: Path) -> Store:
        """Build a store; the hub gives it the folder of the configuration's ``storage``."""
        outcome = fenced_call(lambda: self.offer().make(root))
        if isinstance(outcome, Crash):
            fail(f"the factory of {self.kind!r} raised {told(outcome.error, self.module)}")
        return cast(Store, outcome)

    def broken(self, folder: Path) -> Store | None:
        """Return a store that is out of order, None where there is no way to have one."""
        root = folder / "berkas"
        root.write_bytes(b"no folder")
        return self.store(root)

    # --- the checks -----------------------------------------------------------------------------

    def test_a_store_has_every_method_of_the_contract(self) -> None:
        """``put``, ``get`` and ``free_bytes`` fit the protocol."""

        async def check(folder: Path) -> None:
            with outside_calls() as calls:
                made = self.store(folder)
            self._none_of(shape_faults(made, Store, f"the store {self.kind!r}"))
            if calls:
                fail(f"the factory may only keep what it is given; it did: {', '.join(calls)}")

        self.run(check)

    def test_what_is_put_comes_back(self) -> None:
        """Bytes of every value, none at all, many; the second under a name replaces the first."""

        async def check(folder: Path) -> None:
            store = self.store(folder)
            contents = {"a.bin": bytes(range(256)), "kosong.jpg": b"", "besar.jpg": b"\xff\xd8" + bytes(_LARGE)}
            for name, content in contents.items():
                await self._put(store, name, content)
            await self._put(store, "a.bin", b"yang kedua")
            contents["a.bin"] = b"yang kedua"
            for name, content in contents.items():
                if await self._get(store, name) != content:
                    fail(f"get({name!r}) is not what was put there ({len(content)} bytes)")

        self.run(check)

    def test_names_of_people_are_taken(self) -> None:
        """Blanks, letters of other alphabets, long names, folders that are not there yet."""

        async def check(folder: Path) -> None:
            store = self.store(folder)
            for name in _ODD_NAMES:
                await self._put(store, name, name.encode())
            for name in _ODD_NAMES:
                if await self._get(store, name) != name.encode():
                    fail(f"under {name!r} stands what belongs to another name")

        self.run(check)

    def test_nothing_is_kept_or_read_outside(self) -> None:
        """A name that leads out of the store is StoreFailed, to read as to write."""

        async def check(folder: Path) -> None:
            root = folder / "gudang"
            root.mkdir()
            (folder / "luar.jpg").write_bytes(b"bukan milikmu")
            store = self.store(root)
            for name in _OUTSIDE:
                await self._refuses(store, name, f"get({name!r})", f"put({name!r})")
            if (folder / "luar.jpg").read_bytes() != b"bukan milikmu":
                fail("a file beside the store was overwritten: resolve the name and compare it with the root")

        self.run(check)

    def test_what_is_not_there_is_store_failed(self) -> None:
        """A picture whose days are over is told in words, and no bare KeyError or OSError."""

        async def check(folder: Path) -> None:
            store = self.store(folder)
            await self._fails("get of a name that was never put", lambda: store.get("tidak/ada.jpg"))

        self.run(check)

    def test_many_at_once_are_each_whole(self) -> None:
        """Twenty cameras put at one moment, four of them under one name: each picture is one of those given."""

        async def check(folder: Path) -> None:
            store = self.store(folder)
            given = [bytes([number]) * 200_000 for number in range(20)]
            names = [f"k/{number if number > 3 else 0}.jpg" for number in range(20)]
            puts = (self._put(store, name, content) for name, content in zip(names, given, strict=True))
            await asyncio.gather(*puts)
            for name in set(names):
                found = await self._get(store, name)
                if found not in [content for n, content in zip(names, given, strict=True) if n == name]:
                    fail(f"{name!r} holds a mixture: write beside it and rename")

        self.run(check)

    def test_a_put_that_is_given_up_leaves_the_old_or_the_new(self) -> None:
        """The hub stops in the middle: nobody sees half a picture."""

        async def check(folder: Path) -> None:
            store = self.store(folder)
            old, new = b"lama" * 1000, b"baru" * (_LARGE // 4)
            await self._put(store, "a.jpg", old)
            for _ in range(5):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.001):
                        await store.put("a.jpg", new)
                for _ in range(10):
                    if await self._get(store, "a.jpg") not in (old, new):
                        fail("after a put that was cancelled, half a picture stands there")
                    await asyncio.sleep(0.005)

        self.run(check)

    def test_room_is_a_number(self) -> None:
        """``free_bytes`` is how much more can be kept; the hub deletes the oldest when it becomes little."""

        async def check(folder: Path) -> None:
            room = await self._must("free_bytes", self.store(folder).free_bytes)
            if not isinstance(room, int) or room < 0:
                fail(f"free_bytes gave {room!r}; a whole number of bytes was expected")

        self.run(check)

    def test_a_store_that_is_out_of_order_says_so(self) -> None:
        """Every call is StoreFailed in words, and ends."""

        async def check(folder: Path) -> None:
            store = self.broken(folder)
            if store is None:
                skip("`broken` returns None")
            await self._refuses(store, "a.jpg", "get from a broken store", "put into a broken store")

        self.run(check)

    def test_it_never_blocks_the_event_loop(self) -> None:
        """Disks and networks are slow: that is waited for beside the loop."""

        async def check(folder: Path) -> None:
            store, tasks = self.store(folder), asyncio.all_tasks()
            with LoopWatch(folder_of(self.module)) as watch:
                for number in range(3):
                    await self._put(store, f"{number}.jpg", bytes(_LARGE))
                    await self._get(store, f"{number}.jpg")
            if watch.blocked:
                fail("\n".join(map(str, watch.blocked)) + "\nrun it in a thread (asyncio.to_thread)")
            if left := await tasks_left(tasks):
                fail(f"these tasks are left behind: {', '.join(left)}")

        self.run(check)

    # --- inside ---------------------------------------------------------------------------------

    async def _put(self, store: Store, name: str, content: bytes) -> None:
        await self._must(f"put({name!r})", lambda: store.put(name, content))

    async def _get(self, store: Store, name: str) -> object:
        return await self._must(f"get({name!r})", lambda: store.get(name))

    async def _refuses(self, store: Store, name: str, get: str, put: str) -> None:
        await self._fails(get, lambda: store.get(name))
        await self._fails(put, lambda: store.put(name, b"x"))

    async def _must(self, call: str, work: Callable[[], Awaitable[object]]) -> object:
        outcome = await fenced(work)
        if isinstance(outcome, Crash):
            fail(f"{call} failed on a store in order: {told(outcome.error, self.module)}")
        return outcome

    async def _fails(self, call: str, work: Callable[[], Awaitable[object]]) -> None:
        outcome = await fenced(work)
        if not isinstance(outcome, Crash):
            fail(f"{call} went well; StoreFailed was expected")
        if not isinstance(outcome.error, StoreFailed):
            fail(f"{call} raised {told(outcome.error, self.module)}; StoreFailed was expected")
        if not str(outcome.error).strip():
            fail(f"{call} raised StoreFailed without a word: say what and where")
