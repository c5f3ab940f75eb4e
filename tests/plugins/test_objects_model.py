"""A net of the operator's own: each family is read exactly, and each wrong file is told in words at the start."""

from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import onnx
import pytest
import voluptuous as vol
from onnx import TensorProto, helper, numpy_helper

from siaga.core.contracts import LookContext, Scene
from siaga.core.errors import PluginError
from siaga.core.types import Frame
from siaga.plugins.detectors.objects import LABELS, SCHEMA, ObjectsDetector

SHARED = Path(__file__).resolve().parents[3] / "shared"
NOW = datetime(2026, 11, 25, tzinfo=timezone.utc)
PERSON, CAR = LABELS.index("person"), LABELS.index("car")


def net(folder, answers, *, size=(64, 32), inputs=(), dynamic=False, kind=TensorProto.FLOAT, channels_last=False):
    """Write a net that answers the same to every picture (its mean, times nought, keeps the picture in the graph)."""
    sides = ["h", "w"] if dynamic else [size[1], size[0]]
    shape = [1, *sides, 3] if channels_last else [1, 3, *sides]
    given = [helper.make_tensor_value_info("images", kind, shape)]
    given += [helper.make_tensor_value_info(name, TensorProto.INT64, [1, 2]) for name in inputs]
    nodes = [helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT)]
    nodes += [helper.make_node("ReduceMean", ["floats"], ["mean"], keepdims=0)]
    nodes += [helper.make_node("Mul", ["mean", "nought"], ["nothing"])]
    fixed, told = [numpy_helper.from_array(np.float32(0.0), "nought")], []
    for number, answer in enumerate(answers):
        answer = np.asarray(answer, np.float32)
        fixed.append(numpy_helper.from_array(answer, f"fixed{number}"))
        nodes.append(helper.make_node("Add", [f"fixed{number}", "nothing"], [f"out{number}"]))
        told.append(helper.make_tensor_value_info(f"out{number}", TensorProto.FLOAT, answer.shape))
    graph = helper.make_graph(nodes, "net", given, told, fixed)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    file = folder / "net.onnx"
    file.write_bytes(model.SerializeToString())
    return "net.onnx"


def look(folder, shape=(32, 64), **options):
    picture = np.zeros((*shape, 3), np.uint8)
    frame = Frame(camera="gang", at=NOW, arrived_mono_s=0.0, is_key=True, luma=picture[..., 0], colour=lambda: picture)
    detector = ObjectsDetector(SCHEMA(options), Scene(camera="gang", folder=str(folder)))
    return [
        (
            one.label,
            round(one.score, 3),
            tuple(round(s, 3) for s in (one.box.left, one.box.top, one.box.right, one.box.bottom)),
        )
        for one in detector.look(frame, LookContext(at=NOW))
    ]


def scores(count, **told):
    row = np.zeros(count, np.float32)
    for number, score in told.items():
        row[int(number[1:])] = score
    return row


# One person in the middle of a picture of 64 x 32, and fainter ones that are the same person or nobody.
MIDDLE = (0.25, 0.25, 0.75, 0.75)
PIXELS = np.array([32.0, 16.0, 32.0, 16.0])


def yolo_rows():
    return [
        (PIXELS, scores(80, **{f"n{PERSON}": 0.9})),
        (PIXELS + np.array([1, 0, 0, 0]), scores(80, **{f"n{PERSON}": 0.6})),
        (np.array([8.0, 8, 8, 8]), scores(80, **{f"n{CAR}": 0.8})),
        (np.array([50.0, 8, 8, 8]), scores(80, n20=0.1)),
    ]


@pytest.mark.parametrize("version", [5, 8, 10])
def test_yolo_is_read_in_its_three_forms(tmp_path, version):
    rows = yolo_rows()
    if version == 8:
        answer = np.stack([np.concatenate(row) for row in rows] * 30).T[None]
    elif version == 5:
        answer = np.stack([np.concatenate((box, [0.5], np.minimum(1.0, its * 2))) for box, its in rows] * 30)[None]
    else:
        corners = [np.concatenate((box[:2] - box[2:] / 2, box[:2] + box[2:] / 2)) for box, _ in rows]
        answer = np.stack([[*c, its.max(), its.argmax()] for c, (_, its) in zip(corners, rows, strict=True)] * 2)[None]
    found = look(tmp_path, model=net(tmp_path, [answer]), format="yolo", labels=["person", "car"])
    best = {5: 0.5, 8: 0.9, 10: 0.9}[version]
    assert found[0] == ("person", best, MIDDLE)
    assert [label for label, *_ in found] == ["person", "car"]


def test_a_picture_of_another_shape_stands_between_bars_and_comes_back_in_place(tmp_path):
    # The net sees 64 x 64: a picture of 64 x 32 stands in its middle half.
    row = np.concatenate((np.array([32.0, 32, 32, 16]), scores(80, n0=0.9)))
    answer = np.stack([row] * 100).T[None]
    found = look(tmp_path, model=net(tmp_path, [answer], size=(64, 64)), format="yolo")
    assert found == [("person", 0.9, MIDDLE)]


def logit(score):
    return float(np.log(score / (1 - score)))


@pytest.mark.parametrize("family", ["detr", "rf-detr"])
def test_detr_is_read_by_logits_and_needs_no_suppression(tmp_path, family):
    boxes = np.array([[[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5], [0.1, 0.1, 0.1, 0.1]]])
    logits = np.full((1, 3, 80), logit(0.01))
    logits[0, 0, PERSON], logits[0, 1, CAR] = logit(0.9), logit(0.7)
    found = look(tmp_path, model=net(tmp_path, [logits, boxes]), format=family, labels=["person", "car"])
    assert found == [("person", 0.9, MIDDLE), ("car", 0.7, MIDDLE)]


def test_finished_boxes_with_the_size_asked_for_are_read(tmp_path):
    labels = np.array([[0.0, 2.0, 5.0]])
    boxes = np.array([[[16.0, 8, 48, 24], [0, 0, 16, 8], [0, 0, 1, 1]]])
    sure = np.array([[0.91, 0.62, 0.05]])
    model = net(tmp_path, [labels, boxes, sure], inputs=("orig_target_sizes",))
    found = look(tmp_path, model=model, format="detr", labels=["person", "car"])
    assert found == [("person", 0.91, MIDDLE), ("car", 0.62, (0.0, 0.0, 0.25, 0.25))]


def test_cocos_own_numbers_are_known_by_their_count(tmp_path):
    boxes = np.array([[[0.5, 0.5, 0.5, 0.5]]])
    logits = np.full((1, 1, 91), logit(0.01))
    logits[0, 0, 17] = logit(0.8)  # a cat, in COCO's numbers
    assert look(tmp_path, model=net(tmp_path, [logits, boxes]), format="rf-detr", labels=["cat"]) == [
        ("cat", 0.8, MIDDLE)
    ]


def test_names_of_ones_own_are_told_by_their_names(tmp_path):
    (tmp_path / "nama.txt").write_text("helm\ntanpa helm\n", "utf-8")
    row = np.concatenate((PIXELS, scores(2, n1=0.7)))
    model = net(tmp_path, [np.stack([row] * 50).T[None]])
    found = look(tmp_path, model=model, format="yolo", model_labels="nama.txt", labels=["tanpa helm"])
    assert found == [("tanpa helm", 0.7, MIDDLE)]


def test_a_free_size_is_asked_for_and_used(tmp_path):
    row = np.concatenate((PIXELS, scores(80, n0=0.9)))
    model = net(tmp_path, [np.stack([row] * 100).T[None]], dynamic=True)
    with pytest.raises(PluginError, match="input"):
        look(tmp_path, model=model, format="yolo")
    assert look(tmp_path, model=model, format="yolo", input=[64, 32]) == [("person", 0.9, MIDDLE)]


@pytest.mark.parametrize("tiles", ["off", 2])
def test_the_weights_of_the_shared_folder_find_people(tiles):
    if not (SHARED / "models").is_dir():
        pytest.skip("the weights are not here: a foreign net cannot be tried")
    from packet_server import people_pictures

    picture = people_pictures(81, (768, 576))[80]
    frame = Frame(camera="gang", at=NOW, arrived_mono_s=0.0, is_key=True, luma=picture[..., 0], colour=lambda: picture)
    scene = Scene(camera="gang", folder=str(SHARED / "models"))
    for file, family, size in (
        ("ssd_mobilenet_v2_coco_300.w16.onnx", "ssd", [320, 320]),
        ("nanodet_g_416.w16.onnx", "nanodet", None),
    ):
        options = {"model": file, "format": family, "tiles": tiles, **({"input": size} if size else {})}
        found = ObjectsDetector(SCHEMA(options), scene).look(frame, LookContext(at=NOW))
        assert 3 <= sum(one.score >= 0.4 for one in found) <= 14, family


# --- what is wrong is told at the start ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "yolo"}, "model"),
        ({"model": "x.onnx"}, "format"),
        ({"input": [640, 640]}, "model"),
        ({"model": "x.onnx", "format": "caffe"}, "format"),
        ({"model": "x.onnx", "format": "yolo", "input": [640]}, "input"),
        ({"model": "x.onnx", "format": "yolo", "input": [100, 100]}, "input"),
        ({"labels": ["persn"]}, "person"),
        ({"model": "x.onnx", "format": "yolo", "labels": ["helm"]}, "helm"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, words):
    with pytest.raises(vol.Invalid, match=words):
        SCHEMA(options)


def bad(tmp_path, what):
    """Return options of a net that is wrong in one way."""
    row = np.concatenate((PIXELS, scores(80, n0=0.9)))
    good = [np.stack([row] * 100).T[None]]
    options = {"model": "net.onnx", "format": "yolo"}
    if what == "missing":
        return options
    if what in ("text", "cut"):
        net(tmp_path, good)
        content = (tmp_path / "net.onnx").read_bytes()
        (tmp_path / "net.onnx").write_bytes(b"bukan onnx" * 9 if what == "text" else content[: len(content) // 2])
        return options
    if what == "family":
        net(tmp_path, good)
        return {**options, "format": "detr"}
    if what == "size":
        net(tmp_path, good)
        return {**options, "input": [640, 640]}
    if what == "classes":
        net(tmp_path, [np.zeros((1, 4 + 7, 100))])
        return options
    if what in ("names", "no names"):
        net(tmp_path, good)
        if what == "names":
            (tmp_path / "nama.txt").write_text("helm\n", "utf-8")
        return {**options, "model_labels": "nama.txt", "labels": ["helm"]}
    if what == "label":
        (tmp_path / "nama.txt").write_text("helm\nrompi\n", "utf-8")
        net(tmp_path, [np.zeros((1, 4 + 2, 100))])
        return {**options, "model_labels": "nama.txt", "labels": ["sepatu"]}
    shape = {"flat": (1, 10), "small": (1, 3, 3)}[what]
    net(tmp_path, [np.zeros(shape)])
    return options


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("missing", "tidak ada"),
        ("text", "bukan jaringan ONNX"),
        ("cut", "bukan jaringan ONNX"),
        ("family", r"ada \[1, 84, 100\]; seharusnya"),
        ("size", "64 x 32"),
        ("classes", "7 kelas"),
        ("names", "80 kelas.*1"),
        ("no names", "nama.txt"),
        ("label", "sepatu.*helm, rompi"),
        ("flat", r"\[1, 10\]"),
        ("small", r"\[1, 3, 3\]"),
    ],
)
def test_a_wrong_file_is_a_clear_error(tmp_path, what, words):
    with pytest.raises(PluginError, match=words) as caught:
        look(tmp_path, **bad(tmp_path, what))
    assert "onnx" in str(caught.value) or "nama" in str(caught.value) or what == "label"


def test_a_wrong_file_of_the_built_in_family_is_told_as_well(tmp_path):
    net(tmp_path, [np.zeros((1, 10))])
    with pytest.raises(PluginError, match="bukan jaringan ONNX"):
        look(tmp_path, model="net.onnx", format="nanodet")
