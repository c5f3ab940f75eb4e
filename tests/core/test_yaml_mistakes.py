# ruff: noqa: E501
"""YAML as people get it wrong, and exactly what they are told: every mistake at once, in two languages."""

import time
from pathlib import Path

import pytest

from siaga.core.texts import Texts
from siaga.core.yaml_composer import _patient, _quick
from siaga.core.yaml_lines import Gap, load_yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = [ROOT / "config.example.yaml", *sorted(ROOT.glob("rules/*/*.yaml")), *sorted(ROOT.glob("core/texts/r*.yaml"))]

# name: (what was written, what is said in Indonesian, in English)
MISTAKES = {
    "tab indent": (
        "- id: a\n\tmode: single\n",
        ["2:1: baris ini menjorok dengan tombol Tab; YAML hanya menerima spasi"],
        ["2:1: this line is indented with a Tab; YAML takes spaces only"],
    ),
    "tab mixed": (
        "- id: a\n  triggers:\n  \t- trigger: event\n",
        ["3:3: baris ini menjorok dengan tombol Tab; YAML hanya menerima spasi"],
        ["3:3: this line is indented with a Tab; YAML takes spaces only"],
    ),
    "dash nospace": (
        "- id: a\n  triggers:\n    -trigger: event\n      kind: x\n",
        ["3:5: sesudah tanda - harus ada spasi (tulis '- kunci: nilai')"],
        ["3:5: a space must follow the - (write '- key: value')"],
    ),
    "top dash nospace": (
        "-id: a\n mode: single\n",
        ["1:1: sesudah tanda - harus ada spasi (tulis '- kunci: nilai')"],
        ["1:1: a space must follow the - (write '- key: value')"],
    ),
    "colon nospace": (
        "- id: a\n  alias:Banjir\n  mode: single\n",
        ["2:8: sesudah titik dua harus ada spasi (tulis 'kunci: nilai')"],
        ["2:8: a space must follow the colon (write 'key: value')"],
    ),
    "colon nospace last": (
        "- id: a\n  mode: single\n  alias:Banjir\n",
        ["3:8: sesudah titik dua harus ada spasi (tulis 'kunci: nilai')"],
        ["3:8: a space must follow the colon (write 'key: value')"],
    ),
    "colon nospace first": (
        "- id:a\n  mode: single\n",
        ["1:5: sesudah titik dua harus ada spasi (tulis 'kunci: nilai')"],
        ["1:5: a space must follow the colon (write 'key: value')"],
    ),
    "colon nospace quote": (
        '- id: a\n  alias:"Banjir"\n  mode: single\n',
        ["2:8: sesudah titik dua harus ada spasi (tulis 'kunci: nilai')"],
        ["2:8: a space must follow the colon (write 'key: value')"],
    ),
    "colon missing": (
        "- id: a\n  alias Banjir\n  mode: single\n",
        ["2: titik dua setelah nama kunci tidak ada (tulis 'kunci: nilai')"],
        ["2: the colon after a key is missing (write 'key: value')"],
    ),
    "colon missing nested": (
        "- id: a\n  triggers\n    - trigger: event\n",
        ["2: titik dua setelah nama kunci tidak ada (tulis 'kunci: nilai')"],
        ["2: the colon after a key is missing (write 'key: value')"],
    ),
    "colon in text": (
        "- id: a\n  alias: Banjir: siaga 2\n",
        ["2:16: di dalam nilai ini ada titik dua; beri tanda kutip pada seluruh nilainya"],
        ["2:16: there is a colon inside this value; put the whole value in quotes"],
    ),
    "colon in text 2": (
        "- id: a\n  actions:\n    - action: notify\n      data:\n        message: Air naik: {{ x }} cm\n",
        ["5:26: di dalam nilai ini ada titik dua; beri tanda kutip pada seluruh nilainya"],
        ["5:26: there is a colon inside this value; put the whole value in quotes"],
    ),
    "template unquoted": (
        "- id: a\n  alias: {{ trigger.x }}\n",
        ["2: [0].alias: nilai dengan {{ ... }} harus diberi tanda kutip"],
        ["2: [0].alias: a value with {{ ... }} must stand in quotes"],
    ),
    "template unquoted filter": (
        "- id: a\n  alias: {{ trigger.x | round }}\n",
        ["2: [0].alias: nilai dengan {{ ... }} harus diberi tanda kutip"],
        ["2: [0].alias: a value with {{ ... }} must stand in quotes"],
    ),
    "template unquoted after": (
        "- id: a\n  alias: {{ trigger.x }} cm\n",
        ["2:10: nilai dengan {{ ... }} harus diberi tanda kutip"],
        ["2:10: a value with {{ ... }} must stand in quotes"],
    ),
    "template unquoted func": (
        "- id: a\n  alias: {{ states('x') }}\n",
        ["2: [0].alias: nilai dengan {{ ... }} harus diberi tanda kutip"],
        ["2: [0].alias: a value with {{ ... }} must stand in quotes"],
    ),
    "template %": (
        "- id: a\n  alias: {% if x %}y{% endif %}\n",
        ["2:10: nilai dengan {{ ... }} harus diberi tanda kutip"],
        ["2:10: a value with {{ ... }} must stand in quotes"],
    ),
    "template same quotes": (
        '- id: a\n  alias: "{{ x["a"] }}"\n',
        [
            "2:16: tanda kutip di dalam templat sama dengan tanda kutip di luarnya; tulis misalnya \"{{ x['a'] }}\", dan seluruh nilai di dalam kutip"
        ],
        [
            "2:16: the quotes inside the template are the same as those around it; write for example \"{{ x['a'] }}\", and the whole value in quotes"
        ],
    ),
    "template same quotes1": (
        "- id: a\n  alias: '{{ x['a'] }}'\n",
        [
            "2:16: tanda kutip di dalam templat sama dengan tanda kutip di luarnya; tulis misalnya \"{{ x['a'] }}\", dan seluruh nilai di dalam kutip"
        ],
        [
            "2:16: the quotes inside the template are the same as those around it; write for example \"{{ x['a'] }}\", and the whole value in quotes"
        ],
    ),
    "quote missing end": (
        "- id: a\n  alias: 'Banjir\n  mode: single\n",
        ["2:10: tanda kutip dibuka di sini dan tidak ditutup"],
        ["2:10: a quotation mark is opened here and not closed"],
    ),
    "quote missing end 2": (
        '- id: a\n  alias: "Banjir\n  mode: "single"\n- id: b\n  alias: "x"\n',
        ["2: tanda kutip dibuka di sini dan tidak ditutup"],
        ["2: a quotation mark is opened here and not closed"],
    ),
    "quote more": (
        '- id: a\n  alias: "Banjir" besar\n',
        [
            "2:17: tanda kutip sudah ditutup di sini, tetapi nilainya masih berlanjut; beri kutip di ujung nilai, dan pakai jenis kutip yang lain di dalamnya"
        ],
        [
            "2:17: the quotation mark is closed here but the value goes on; put the quote at the value's end, and the other sort of quote inside"
        ],
    ),
    "curly quotes": (
        "- id: a\n  alias: “Banjir: besar”\n",
        ["2:17: di dalam nilai ini ada titik dua; beri tanda kutip pada seluruh nilainya"],
        ["2:17: there is a colon inside this value; put the whole value in quotes"],
    ),
    "bracket": (
        "- id: a\n  camera: [kali, gang\n  mode: single\n",
        ["3: kurung [ atau { yang dibuka di baris 2 tidak ditutup dengan benar, atau ada koma yang kurang"],
        ["3: the bracket [ or { opened in line 2 is not closed properly, or a comma is missing"],
    ),
    "brace": (
        "- id: a\n  target: {camera: kali\n  mode: single\n",
        ["3: kurung [ atau { yang dibuka di baris 2 tidak ditutup dengan benar, atau ada koma yang kurang"],
        ["3: the bracket [ or { opened in line 2 is not closed properly, or a comma is missing"],
    ),
    "brace end file": (
        "- id: a\n  target: {camera: kali\n",
        ["3: kurung [ atau { yang dibuka di baris 2 tidak ditutup dengan benar, atau ada koma yang kurang"],
        ["3: the bracket [ or { opened in line 2 is not closed properly, or a comma is missing"],
    ),
    "bracket extra": (
        "- id: a\n  camera: [kali]]\n",
        ["2:17: kurung tutup ] ini tidak punya pasangan; hapus"],
        ["2:17: this closing ] has no partner; delete it"],
    ),
    "brace wrong close": (
        "- id: a\n  camera: [kali}\n",
        ["2:16: kurung tutup } ini bukan pasangan kurung yang dibuka: [ ditutup dengan ], { dengan }"],
        ["2:16: this closing } does not fit the bracket that is open: [ is closed by ], { by }"],
    ),
    "comma missing": (
        "- id: a\n  target: {camera: kali zone: x}\n",
        ["2: kurung [ atau { yang dibuka di baris 2 tidak ditutup dengan benar, atau ada koma yang kurang"],
        ["2: the bracket [ or { opened in line 2 is not closed properly, or a comma is missing"],
    ),
    "key twice": (
        "- id: a\n  alias: x\n  alias: y\n",
        ["3: [0].alias: kunci 'alias' sudah ditulis di baris 2; hapus salah satunya"],
        ["3: [0].alias: the key 'alias' stands in line 2 already; take one of them out"],
    ),
    "indent less": (
        "- id: a\n  triggers:\n    - trigger: event\n   kind: x\n",
        ["4: jorokan baris tidak cocok dengan bagian yang dimulai di baris 1"],
        ["4: the indentation does not fit the part that begins in line 1"],
    ),
    "indent more": (
        "- id: a\n  mode: single\n    alias: x\n",
        ["3: baris ini menjorok 4 spasi, lebih dalam dari baris 2 (2 spasi); kunci yang setingkat harus sejajar"],
        ["3: this line is indented by 4 spaces, deeper than line 2 (2 spaces); keys of one level must be aligned"],
    ),
    "indent more first": (
        "- id: a\n    mode: single\n  alias: x\n",
        ["2: baris ini menjorok 4 spasi, lebih dalam dari baris 1 (2 spasi); kunci yang setingkat harus sejajar"],
        ["2: this line is indented by 4 spaces, deeper than line 1 (2 spaces); keys of one level must be aligned"],
    ),
    "indent list item": (
        "- id: a\n  triggers:\n    - trigger: event\n      kind: x\n     - trigger: event\n",
        ["5: jorokan baris tidak cocok dengan bagian yang dimulai di baris 3"],
        ["5: the indentation does not fit the part that begins in line 3"],
    ),
    "dash lost": (
        "- id: a\n  triggers:\n    trigger: event\n    - trigger: event\n",
        [
            "4: tanda '- ' di sini salah tempat: baris 3 di atasnya berisi 'kunci: nilai'; hapus tanda itu, atau jorokkan baris ini di bawah kunci daftarnya"
        ],
        [
            "4: the '- ' does not belong here: line 3 above holds 'key: value'; take it out, or indent this line below the key of its list"
        ],
    ),
    "dash for key": (
        "- id: a\n  - mode: single\n",
        [
            "2: tanda '- ' di sini salah tempat: baris 1 di atasnya berisi 'kunci: nilai'; hapus tanda itu, atau jorokkan baris ini di bawah kunci daftarnya"
        ],
        [
            "2: the '- ' does not belong here: line 1 above holds 'key: value'; take it out, or indent this line below the key of its list"
        ],
    ),
    "list then key": (
        "- id: a\nmode: single\n",
        [
            "2: baris ini sejajar dengan daftar yang dimulai di baris 1; awali dengan '- ', atau jorokkan agar menjadi bagian dari butir di atasnya"
        ],
        [
            "2: this line stands level with the list that begins in line 1; begin it with '- ', or indent it to make it a part of the item above"
        ],
    ),
    "percent": (
        "- id: a\n  x: %a\n",
        ["2:6: nilai yang diawali tanda seperti % @ ` & * harus diberi tanda kutip"],
        ["2:6: a value that begins with a sign such as % @ ` & * must stand in quotes"],
    ),
    "at": (
        "- id: a\n  to: @posko\n",
        ["2:7: nilai yang diawali tanda seperti % @ ` & * harus diberi tanda kutip"],
        ["2:7: a value that begins with a sign such as % @ ` & * must stand in quotes"],
    ),
    "star": (
        "- id: a\n  kind: *\n",
        ["2:10: nilai yang diawali tanda seperti % @ ` & * harus diberi tanda kutip"],
        ["2:10: a value that begins with a sign such as % @ ` & * must stand in quotes"],
    ),
    "star word": (
        "- id: a\n  kind: *.offline\n",
        ["2:10: nilai yang diawali tanda seperti % @ ` & * harus diberi tanda kutip"],
        ["2:10: a value that begins with a sign such as % @ ` & * must stand in quotes"],
    ),
    "amp": (
        "- id: a\n  alias: RW 05 & RW 06\n  x: & y\n",
        ["3:7: nilai yang diawali tanda seperti % @ ` & * harus diberi tanda kutip"],
        ["3:7: a value that begins with a sign such as % @ ` & * must stand in quotes"],
    ),
    "bang": (
        "- id: a\n  alias: !Awas\n",
        [
            "2: [0].alias: tanda !Awas tidak dikenal; bila tanda ! adalah bagian dari teks, beri tanda kutip pada nilainya"
        ],
        ["2: [0].alias: the tag !Awas is not known; if the ! belongs to a text, put the value in quotes"],
    ),
    "backtick": (
        "- id: a\n  alias: `x`\n",
        ["2:10: nilai yang diawali tanda seperti % @ ` & * harus diberi tanda kutip"],
        ["2:10: a value that begins with a sign such as % @ ` & * must stand in quotes"],
    ),
    "backslash": (
        '- id: a\n  alias: "C:\\x\\q"\n',
        ["2:15: garis miring terbalik \\ di dalam tanda kutip ganda punya arti khusus; pakai tanda kutip tunggal"],
        ["2:15: a backslash \\ inside double quotes has a special meaning; use single quotes"],
    ),
    "pipe": (
        "- id: a\n  alias: | teks\n    lagi\n",
        ["2: teks setelah | atau > harus dimulai di baris berikutnya, menjorok ke dalam"],
        ["2: the text after | or > must begin in the next line, indented"],
    ),
    "gt": (
        "- id: a\n  above: > 5\n",
        ["2: teks setelah | atau > harus dimulai di baris berikutnya, menjorok ke dalam"],
        ["2: the text after | or > must begin in the next line, indented"],
    ),
    "nbsp": (
        "- id: a\n  mode:\u00a0single\n  alias: x\n",
        [
            "2:8: di sini ada spasi yang bukan spasi biasa (sering terbawa saat menyalin dari WhatsApp atau Word); hapus dan ketik ulang"
        ],
        [
            "2:8: here is a space that is not an ordinary one (often copied from WhatsApp or Word); delete it and type it again"
        ],
    ),
    "nbsp indent": (
        "- id: a\n\u00a0\u00a0mode: single\n",
        [
            "2:1: di sini ada spasi yang bukan spasi biasa (sering terbawa saat menyalin dari WhatsApp atau Word); hapus dan ketik ulang"
        ],
        [
            "2:1: here is a space that is not an ordinary one (often copied from WhatsApp or Word); delete it and type it again"
        ],
    ),
    "md fence": (
        "```yaml\n- id: a\n```\n",
        [
            "1: baris ``` bukan bagian dari YAML (terbawa saat menyalin); hapus",
            "3: baris ``` bukan bagian dari YAML (terbawa saat menyalin); hapus",
        ],
        [
            "1: the line ``` is no part of YAML (it was copied along); delete it",
            "3: the line ``` is no part of YAML (it was copied along); delete it",
        ],
    ),
    "two": (
        "- id: a\n  alias: Banjir: x\n- id: b\n  mode: single\n- id: c\n  x: [1\n- id: d\n",
        [
            "2:16: di dalam nilai ini ada titik dua; beri tanda kutip pada seluruh nilainya",
            "7: kurung [ atau { yang dibuka di baris 6 tidak ditutup dengan benar, atau ada koma yang kurang",
        ],
        [
            "2:16: there is a colon inside this value; put the whole value in quotes",
            "7: the bracket [ or { opened in line 6 is not closed properly, or a comma is missing",
        ],
    ),
    "doc": (
        "- id: a\n---\n- id: b\n",
        ["2: garis '---' memulai berkas kedua; satu berkas memuat satu konfigurasi"],
        ["2: the line '---' begins a second document; a file holds one"],
    ),
}


def read(folder, text, language="id"):
    (folder / "r.yaml").write_text(text, "utf-8")
    return load_yaml(folder / "r.yaml", find_secret=lambda name: None, texts=Texts(language))


def said(loaded):
    return [str(problem).removeprefix("r.yaml:") for problem in loaded.problems]


@pytest.mark.parametrize(("text", "indonesian", "english"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_exactly_these_words(tmp_path, text, indonesian, english):
    assert said(read(tmp_path, text)) == indonesian
    assert said(read(tmp_path, text, "en")) == english


FOUR = """\
- id: satu
  alias: Banjir: besar
- id: dua
  mode: single
- id: tiga
  camera: [kali, gang
- id: empat
   mode: single
- id: lima
  alias: 'lupa
- id: enam
  alias: "ya"
"""


def test_every_mistake_of_a_file_is_told_at_once_and_the_other_rules_are_read(tmp_path):
    loaded = read(tmp_path, FOUR)
    assert [problem.line for problem in loaded.problems] == [2, 7, 8, 10]
    assert [rule["id"] for rule in loaded.value if not isinstance(rule, Gap)] == ["dua", "enam"]
    assert not loaded.is_whole


def test_a_rule_below_a_key_of_the_configuration_costs_only_itself(tmp_path):
    loaded = read(tmp_path, "site: {name: X}\nrules:\n  - id: a\n    alias: x: y\n  - id: b\nweb: {port: 1}\n")
    assert [rule for rule in loaded.value["rules"] if not isinstance(rule, Gap)] == [{"id": "b"}]
    assert (loaded.value["site"], loaded.value["web"]) == ({"name": "X"}, {"port": 1})
    assert said(loaded) == [MISTAKES["colon in text"][1][0].replace("2:16", "4:13")]


def test_a_section_that_cannot_be_read_is_a_gap_at_its_key(tmp_path):
    loaded = read(tmp_path, "site: {name: X}\ncameras:\n  kali:\n    name: a: b\nweb: {port: 1}\n")
    assert isinstance(loaded.value["cameras"], Gap)
    assert loaded.value["web"] == {"port": 1}


def test_a_file_that_holds_mistakes_without_end_is_given_up_after_twenty(tmp_path):
    loaded = read(tmp_path, "".join(f"- id: r{number}\n  alias: a: b\n" for number in range(200)))
    assert len(loaded.problems) == 20
    assert isinstance(loaded.value, Gap)


@pytest.mark.parametrize("tail", ["- id: x\n  alias: 'open\n", "- id: [\n", "\tx\n", "- id: a: b\n"])
def test_a_large_file_with_a_mistake_at_its_end_is_told_within_seconds(tmp_path, tail):
    text = "".join(f"- id: rule-{number}\n  alias: Banjir besar di kali\n  mode: single\n" for number in range(6_000))
    began = time.thread_time()
    loaded = read(tmp_path, text + tail)
    assert time.thread_time() - began < 20
    assert loaded.problems[0].line >= 18_000


def shape(node):
    """Return a node with its tags, values and lines."""
    if isinstance(node.value, list):
        inner = [tuple(map(shape, item)) if isinstance(item, tuple) else shape(item) for item in node.value]
        return node.tag, node.start_mark.line, inner
    return node.tag, node.start_mark.line, node.value


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_libyaml_and_pyyaml_read_a_file_alike(file):
    text = file.read_text("utf-8")
    assert shape(_quick(text)) == shape(_patient(text))
