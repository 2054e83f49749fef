"""Files that would hold up, mislead or fill up their reader: each is refused by name, and the rest is read."""

from __future__ import annotations

import gzip
import io
import json
import os
import socket
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from adapter.errors import SourceError
from adapter.evidence.store import EvidenceStore, Located
from adapter.limits import Limits
from adapter.sources.files import Reading, read_files
from adapter.sources.positions import Positions

Json = dict[str, Any]
GOOD = b'{"resourceType": "Patient", "id": "good"}'
SMALL = Limits(max_file_bytes=1000, max_unpacked_bytes=2000, max_json_bytes=500, max_depth=20)
MARKED = "\ufeff" + GOOD.decode()


def read(source: Path, limits: Limits = SMALL) -> tuple[list[str], list[tuple[str, str, str]]]:
    """The keys of what was read, and of each issue the code, the place and the sentence."""
    reading = Reading()
    found = [each.key for each in read_files(source, reading, limits)]
    return found, [(each.code, each.where, each.text) for each in reading.issues]


def located(source: Path) -> tuple[list[Located], Reading]:
    reading = Reading()
    return list(read_files(source, reading)), reading


def zipped(content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("x.json", content)
    return archive.getvalue()


# --- what a file holds


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        pytest.param("x.json", GOOD[:-1], "structure", "not JSON: ", id="truncated"),
        pytest.param("x.json", b'{"resourceType": "Claim", "x": NaN}', "structure", "not JSON: ", id="NaN"),
        pytest.param("x.json", b'{"resourceType": "Claim", "x": -Infinity}', "structure", "not JSON: ", id="Infinity"),
        pytest.param("x.json", b'{"resourceType": "Claim", "x": 1e400}', "structure", "infinity", id="1e400"),
        pytest.param(
            "x.json", b'{"resourceType": "Claim", "x": 1' + b"0" * 400 + b"}", "structure", "infinity", id="10**400"
        ),
        pytest.param("x.json", b'{"resourceType": "Claim", "x": "\xff"}', "structure", "not JSON: ", id="no UTF-8"),
        pytest.param(
            "x.json", b'{"resourceType": "Claim", "x": "\\ud800"}', "structure", "surrogate", id="half a pair"
        ),
        pytest.param(
            "x.json",
            b'{"resourceType": "Claim", "x": "\xed\xa0\x80"}',
            "structure",
            "not JSON: ",
            id="half a pair, raw",
        ),
        pytest.param(
            "x.json", b'{"resourceType": "Claim", "x": "\x1b[31m"}', "structure", "not JSON: ", id="a raw escape"
        ),
        pytest.param("x.json", MARKED.encode("utf-16-le"), "structure", "UTF-16", id="UTF-16, little end first"),
        pytest.param("x.json", MARKED.encode("utf-16-be"), "structure", "UTF-16", id="UTF-16, big end first"),
        pytest.param("x.json", MARKED.encode("utf-32-le"), "structure", "UTF-32", id="UTF-32"),
        pytest.param("x.json", zipped(GOOD), "structure", "a zip archive", id="a zip"),
        pytest.param("x.json.gz", zipped(GOOD), "structure", "cannot be read (BadGzipFile)", id="a zip named gz"),
        pytest.param("x.json.gz", gzip.compress(zipped(GOOD)), "structure", "a zip archive", id="a zip in a gzip"),
        pytest.param("x.json", gzip.compress(GOOD), "structure", "name it .gz", id="gzip without its ending"),
        pytest.param("x.json", b"BZh91AY", "structure", "bzip2", id="bzip2"),
        pytest.param("x.json", b"%PDF-1.7", "structure", "a PDF", id="PDF"),
        pytest.param("x.json.gz", gzip.compress(GOOD)[:-9], "structure", "(EOFError)", id="gzip cut off"),
        pytest.param(
            "x.json.gz", gzip.compress(GOOD)[:-8] + b"\0" * 8, "structure", "(BadGzipFile)", id="gzip, wrong sum"
        ),
        pytest.param("x.json", GOOD + b" " * 1000, "too-long", "MAX_FILE_BYTES", id="a huge file"),
        pytest.param("x.json.gz", gzip.compress(GOOD + b" " * 2000), "too-long", "MAX_UNPACKED_BYTES", id="a bomb"),
        pytest.param(
            "x.json.gz", gzip.compress(gzip.compress(b" " * 9000)), "structure", "name it .gz", id="a bomb in a gzip"
        ),
        pytest.param("x.json", GOOD + b" " * 500, "too-long", "MAX_JSON_BYTES", id="a large document"),
        pytest.param(
            "x.json", b'{"resourceType": ""}', "structure", "not the name of a type", id="a type without a name"
        ),
        pytest.param(
            "x.json", b'{"resourceType": "../x"}', "structure", "not the name of a type", id="a type that is a path"
        ),
    ],
)
def test_it_is_refused_by_name_and_the_rest_is_read(
    tmp_path: Path, name: str, content: bytes, code: str, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "zz.json").write_bytes(GOOD)
    found, issues = read(tmp_path)
    assert found == ["Patient/good"]
    assert [(each[0], each[1]) for each in issues] == [(code, f"{name}, line 1")]
    assert said in issues[0][2]


@pytest.mark.parametrize(
    ("size", "refused"), [pytest.param(500, False, id="at the limit"), pytest.param(501, True, id="one byte over")]
)
@pytest.mark.parametrize("name", ["x.json", "x.ndjson"])
def test_a_limit_is_where_it_says(tmp_path: Path, name: str, size: int, *, refused: bool) -> None:
    (tmp_path / name).write_bytes(GOOD.ljust(size))
    found, issues = read(tmp_path)
    assert (found, len(issues)) == ([] if refused else ["Patient/good"], int(refused))


def test_one_line_over_the_limit_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    (tmp_path / "x.ndjson").write_bytes(b"\n".join([GOOD, GOOD + b" " * 500, GOOD.replace(b"good", b"last")]))
    found, issues = read(tmp_path)
    assert found == ["Patient/good", "Patient/last"]
    assert [each[:2] for each in issues] == [("too-long", "x.ndjson, line 2")]


def test_ndjson_over_the_limit_of_a_document_is_still_ndjson(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\n".join([GOOD] * 20))
    assert read(tmp_path) == (["Patient/good"] * 20, [])


def test_a_gzip_bomb_is_given_up_long_before_it_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "x.json.gz").write_bytes(gzip.compress(bytes(300_000_000), 9))
    tracemalloc.start()
    _, issues = read(tmp_path, Limits())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [each[0] for each in issues] == ["too-long"]
    assert "ADAPTER_MAX_UNPACK_RATIO" in issues[0][2]
    assert peak < 60_000_000


def test_well_packed_small_files_are_no_bombs(tmp_path: Path) -> None:
    (tmp_path / "x.json.gz").write_bytes(gzip.compress(GOOD + b" " * 5_000_000, 9))
    assert read(tmp_path, Limits()) == (["Patient/good"], [])


@pytest.mark.parametrize("depth", [255, 1000, 100_000])
def test_what_is_nested_without_end_is_named(tmp_path: Path, depth: int) -> None:
    (tmp_path / "x.json").write_bytes(b"[" * depth + b"]" * depth)
    (tmp_path / "y.ndjson").write_bytes(GOOD + b"\n" + b'{"a":' * depth + b"1" + b"}" * depth)
    found, issues = read(tmp_path, Limits())
    assert (found, [each[1] for each in issues]) == (["Patient/good"], ["x.json, line 1", "y.ndjson, line 2"])
    assert all("levels deep" in each[2] for each in issues)


def test_a_bundle_a_thousand_deep_is_named(tmp_path: Path) -> None:
    deep = b'{"resourceType":"Bundle","entry":[{"resource":' * 1000 + GOOD + b"}]}" * 1000
    (tmp_path / "x.json").write_bytes(deep)
    found, issues = read(tmp_path, Limits())
    assert (found, [each[1] for each in issues]) == ([], ["x.json, line 1"])
    assert "levels deep" in issues[0][2]


def test_a_bundle_eighty_deep_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b'{"resourceType":"Bundle","entry":[{"resource":' * 80 + GOOD + b"}]}" * 80)
    assert read(tmp_path, Limits()) == (["Patient/good"], [])


def test_entries_that_are_null_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(
        b'{"resourceType":"Bundle","entry":[null,{"resource":null},{"resource":%s}]}' % GOOD
    )
    assert read(tmp_path) == (["Patient/good"], [])


# --- keys that stand twice


@pytest.mark.parametrize(
    ("content", "expression"),
    [
        pytest.param(b'{"resourceType":"Patient","id":"a","id":"b"}', "Patient.id", id="an id"),
        pytest.param(b'{"resourceType":"Patient","id":"a","x":{"y":1,"y":1}}', "Patient.x.y", id="inside"),
        pytest.param(b'{"resourceType":"Patient","a\\u003a":1,"b":{"b":1,"b":2}}', "Patient.b.b", id="a hidden colon"),
        pytest.param(
            b'{"resourceType":"Patient","a":[0,{"b":1,"\\u0062":2}]}', "Patient.a[1].b", id="spelt in two ways"
        ),
        pytest.param(
            b'{"resourceType":"Patient","\\u001b[1m":1,"\\u001b[1m":2}', "Patient", id="a key nobody may print"
        ),
        pytest.param(
            b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","a":1,"a":2}}]}',
            "Bundle.entry[0].resource.a",
            id="in an entry",
        ),
    ],
)
def test_a_key_that_stands_twice_is_named(tmp_path: Path, content: bytes, expression: str) -> None:
    (tmp_path / "x.json").write_bytes(content)
    found, reading = located(tmp_path)
    assert [(each.expression, each.where) for each in reading.issues] == [(expression, "x.json, line 1")]
    assert [bool(each.faults) for each in found] == [True]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"resourceType":"Patient","id":"a","x":{"id":"a"}}', id="the same key elsewhere"),
        pytest.param(b'{"resourceType":"Patient","x":"\\u003a : :","y":"\\u0022:"}', id="colons in texts"),
        pytest.param(b'{"resourceType" : "Patient", "x" : ":"}', id="spaces around the colon"),
        pytest.param(b'{"name":1,"name":2}', id="no FHIR"),
    ],
)
def test_nothing_is_said_where_none_stands_twice(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    found, reading = located(tmp_path)
    assert reading.issues == []
    assert all(not each.faults for each in found)


def test_an_entry_list_that_stands_twice_loses_nothing_silently(tmp_path: Path) -> None:
    one = b'"entry":[{"resource":%s}]' % GOOD
    (tmp_path / "x.json").write_bytes(b'{"resourceType":"Bundle",%s,%s}' % (one, one))
    found, issues = read(tmp_path)
    assert (found, len(issues)) == ([], 3)


def test_numbers_beside_a_repeated_key_are_read_as_ever(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b'{"resourceType":"Patient","a":1,"a":2,"n":123456789012345678901234567890}')
    (found,), _ = located(tmp_path)
    assert found.resource["n"] == 1.2345678901234568e29


# --- what is no file


def test_a_pipe_does_not_keep_us_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.json")
    (tmp_path / "y.json").write_bytes(GOOD)
    found, issues = read(tmp_path)
    assert (found, [each[1] for each in issues]) == (["Patient/good"], ["x.json, line 1"])
    assert "no regular file" in issues[0][2]


def test_a_socket_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the address of a socket must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("x.json")
        assert [each[1] for each in read(tmp_path)[1]] == ["x.json, line 1"]


def test_a_device_is_never_read(tmp_path: Path) -> None:
    (tmp_path / "x.json").symlink_to("/dev/zero")
    assert "leads out of the folder" in read(tmp_path)[1][0][2]
    assert "is no file and no folder" in refused(Path("/dev/zero"))


def test_a_pipe_as_the_source_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    assert "is no file and no folder" in refused(tmp_path / "pipe.json")


def refused(source: Path) -> str:
    with pytest.raises(SourceError) as caught:
        read(source)
    return str(caught.value)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"], ids=["too long", "a zero in it"])
def test_a_name_that_no_file_can_have_is_an_error_that_says_so(tmp_path: Path, name: str) -> None:
    assert str(tmp_path) in refused(tmp_path / name)


# --- links


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_bytes(GOOD)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.json").symlink_to(outside)
    (tmp_path / "in" / "y.json").symlink_to(Path("..") / "outside.json")
    found, issues = read(tmp_path / "in")
    assert (found, [each[1] for each in issues]) == ([], ["x.json, line 1", "y.json, line 1"])
    assert all("leads out of the folder" in each[2] for each in issues)


def test_a_link_inside_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.json").write_bytes(GOOD)
    (tmp_path / "y.json").symlink_to(tmp_path / "data" / "x.json")
    assert read(tmp_path) == (["Patient/good", "Patient/good"], [])


def test_a_link_that_the_user_names_is_followed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.json").write_bytes(GOOD)
    (tmp_path / "folder").symlink_to(tmp_path / "data")
    (tmp_path / "file.json").symlink_to(tmp_path / "data" / "x.json")
    assert read(tmp_path / "folder") == (["Patient/good"], [])
    assert read(tmp_path / "file.json") == (["Patient/good"], [])


def test_links_that_lead_to_each_other_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").symlink_to(tmp_path / "b.json")
    (tmp_path / "b.json").symlink_to(tmp_path / "a.json")
    assert [each[1] for each in read(tmp_path)[1]] == ["a.json, line 1", "b.json, line 1"]
    assert "does not exist" in refused(tmp_path / "a.json")


def test_a_linked_folder_is_not_followed_and_not_passed_over_silently(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.json").write_bytes(GOOD)
    (tmp_path / "in" / "2023").symlink_to(tmp_path / "other")
    found, issues = read(tmp_path / "in")
    assert (found, [each[1] for each in issues]) == ([], ["2023, line 1"])


# --- what is broken throughout


@pytest.mark.parametrize(("broken", "named"), [(1000, 1000), (1001, 1001), (5000, 1001)])
def test_of_a_file_broken_throughout_a_thousand_places_are_named_and_the_rest_counted(
    tmp_path: Path, broken: int, named: int
) -> None:
    (tmp_path / "x.ndjson").write_bytes(b"x\n" * broken + GOOD)
    found, issues = read(tmp_path, Limits())
    assert (found, len(issues)) == (["Patient/good"], named)
    assert (f"{broken - 1000} more places" in issues[-1][2]) is (broken > 1000)


def test_a_version_of_any_length_has_its_rank(tmp_path: Path) -> None:
    versions = ["9" * 5000, "1", "\u0663", "x" * 5000]
    lines = [json.dumps({"resourceType": "Patient", "id": "a", "meta": {"versionId": each}}) for each in versions]
    (tmp_path / "x.ndjson").write_text("\n".join(lines), encoding="utf-8")
    store = EvidenceStore()
    store.extend(read_files(tmp_path, Reading()))
    assert (store.size, store.superseded) == (1, 3)


# --- finding the line


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param((), 2, id="the document"),
        pytest.param(("b",), 4, id="a key"),
        pytest.param(("b", 1), 6, id="an element of a list"),
        pytest.param(("b", 1, '"c"'), 7, id="a key with quotes"),
        pytest.param(("b", 5, "c"), 4, id="nothing there: the list"),
        pytest.param(("a", "x"), 3, id="nothing inside a value"),
        pytest.param(("d",), 10, id="after all of it"),
    ],
)
def test_the_line_of_an_element_is_found(path: tuple[str | int, ...], line: int) -> None:
    number = "9" * 5000
    text = f'\n{{\n"a": {number},\n"b": [\n[],\n{{\n"\\"c\\"": "}}]"\n}}\n],\n\t"d": 1, "d": 2}}'
    assert Positions(text).line(path) == line
