"""What the local store promises: a picture is there whole or not at all, and only below its folder."""

import asyncio
import threading

import pytest
from small_disk import small_disk

from siaga.core.errors import StoreFailed
from siaga.plugins.storage.local import LocalStore, offer_stores


async def test_what_was_put_is_read_back_and_replaced_whole(tmp_path):
    [kind] = offer_stores()
    store = kind.make(tmp_path)
    await store.put("snapshots/kali/a.jpg", b"satu")
    await store.put("snapshots/kali/a.jpg", b"dua")
    assert await store.get("snapshots/kali/a.jpg") == b"dua"
    assert [p.name for p in (tmp_path / "snapshots/kali").iterdir()] == ["a.jpg"]
    assert await store.free_bytes() > 0


@pytest.mark.parametrize("relative", ["../x.jpg", "a/../../x.jpg", "/etc/x.jpg", "", ".", "a\0b", "luar/x.jpg"])
async def test_a_path_out_of_the_folder_is_refused(tmp_path, relative):
    root = tmp_path / "var"
    root.mkdir()
    (root / "luar").symlink_to(tmp_path)
    store = LocalStore(root)
    with pytest.raises(StoreFailed):
        await store.put(relative, b"x")
    with pytest.raises(StoreFailed):
        await store.get(relative)
    assert [p.name for p in tmp_path.iterdir()] == ["var"]


async def test_a_picture_that_is_gone_is_told_in_words(tmp_path):
    with pytest.raises(StoreFailed, match="tidak ada"):
        await LocalStore(tmp_path).get("snapshots/lama.jpg")
    (tmp_path / "berkas").write_bytes(b"")
    with pytest.raises(StoreFailed):
        await LocalStore(tmp_path).put("berkas/x.jpg", b"x")


async def test_a_reader_never_sees_half_a_picture(tmp_path):
    store = LocalStore(tmp_path)
    pictures = [bytes([n]) * 300_000 for n in range(8)]
    await store.put("a.jpg", pictures[0])
    seen, is_over = set(), threading.Event()

    def look():
        while not is_over.is_set():
            seen.add((tmp_path / "a.jpg").read_bytes())

    looking = asyncio.get_running_loop().run_in_executor(None, look)
    await asyncio.gather(*(store.put("a.jpg", picture) for picture in pictures))
    is_over.set()
    await looking
    assert seen <= set(pictures)


@pytest.mark.slow
async def test_a_full_disk_is_told_and_leaves_no_half_file(tmp_path):
    with small_disk(tmp_path, "1m") as disk:
        store = LocalStore(disk)
        await store.put("a.jpg", b"x" * 500_000)
        with pytest.raises(StoreFailed, match="disk penuh"):
            await store.put("b.jpg", b"x" * 800_000)
        assert [p.name for p in disk.iterdir()] == ["a.jpg"]
        await store.put("c.jpg", b"x" * 300_000)
