"""Reading FHIR from files: every form that was seen, and what is said of what cannot be read."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adapter.errors import SourceError
from adapter.evidence.store import Located
from adapter.fhir.validation import structural_issues
from adapter.sources.files import Reading, read_files

Json = dict[str, Any]


def patient(id: str, **more: Any) -> Json:
    return {"resourceType": "Patient", "id": id} | more


def bundle(*resources: Json, **more: Any) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]} | more


def text(*values: Any, indent: int | str | None = None) -> bytes:
    return "\n".join(json.dumps(each, indent=indent) for each in values).encode()


def read(source: Path) -> tuple[list[Located], Reading]:
    reading = Reading()
    return list(read_files(source, reading)), reading


def keys(found: list[Located]) -> list[str]:
    return [each.key for each in found]


def places(reading: Reading) -> list[str]:
    return [issue.where for issue in reading.issues]


TWO = text(patient("a"), patient("b"))
BROKEN = b'{"resourceType": "Patient", "id":'

# --- every form


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        pytest.param("x.json", text(patient("a")), ["Patient/a"], id="one resource"),
        pytest.param("x.json", text(patient("a"), indent=2), ["Patient/a"], id="pretty printed"),
        pytest.param("x.json", text(patient("a"), indent="\t"), ["Patient/a"], id="indented by tabs"),
        pytest.param("x.json", text(bundle(patient("a"), patient("b"))), ["Patient/a", "Patient/b"], id="a Bundle"),
        pytest.param("x.json", text(bundle()), [], id="an empty Bundle"),
        pytest.param("x.json", text({"resourceType": "Bundle", "type": "history"}), [], id="a Bundle without entry"),
        pytest.param(
            "x.json", text(bundle(patient("a"), bundle(patient("b")))), ["Patient/a", "Patient/b"], id="a nested Bundle"
        ),
        pytest.param("x.ndjson", TWO, ["Patient/a", "Patient/b"], id="NDJSON"),
        pytest.param("x.ndjson", TWO + b"\n", ["Patient/a", "Patient/b"], id="NDJSON with a last line break"),
        pytest.param("x.ndjson", b"\n\n" + TWO + b"\n  \n", ["Patient/a", "Patient/b"], id="NDJSON with blank lines"),
        pytest.param("x.ndjson", text(bundle(patient("a"))), ["Patient/a"], id="NDJSON of Bundles"),
        pytest.param("x.ndjson", b"", [], id="empty NDJSON"),
        pytest.param("x.jsonl", TWO, ["Patient/a", "Patient/b"], id="NDJSON as jsonl"),
        pytest.param("x.json", TWO, ["Patient/a", "Patient/b"], id="NDJSON named json"),
        pytest.param("x.JSON", text(patient("a")), ["Patient/a"], id="capitals"),
        pytest.param("x.json.gz", gzip.compress(text(patient("a"))), ["Patient/a"], id="gzip"),
        pytest.param("x.ndjson.gz", gzip.compress(TWO), ["Patient/a", "Patient/b"], id="NDJSON, gzip"),
        pytest.param("x.json.GZ", gzip.compress(text(patient("a"))), ["Patient/a"], id="gzip in capitals"),
        pytest.param(
            "x.ndjson.gz",
            gzip.compress(text(patient("a")) + b"\n") + gzip.compress(text(patient("b"))),
            ["Patient/a", "Patient/b"],
            id="two gzip members",
        ),
        pytest.param("x.json", b"\xef\xbb\xbf" + text(patient("a")), ["Patient/a"], id="a byte order mark"),
        pytest.param("x.ndjson", b"\xef\xbb\xbf" + TWO, ["Patient/a", "Patient/b"], id="NDJSON with a byte order mark"),
        pytest.param("x.ndjson", TWO.replace(b"\n", b"\r\n"), ["Patient/a", "Patient/b"], id="NDJSON with CRLF"),
        pytest.param("x.json", text(patient("a"), indent=1).replace(b"\n", b"\r\n"), ["Patient/a"], id="CRLF"),
        pytest.param("x.json", TWO.replace(b"\n", b"\r\n"), ["Patient/a", "Patient/b"], id="NDJSON named json, CRLF"),
    ],
)
def test_every_form_is_read(tmp_path: Path, name: str, content: bytes, found: list[str]) -> None:
    (tmp_path / name).write_bytes(content)
    for source in (tmp_path, tmp_path / name):
        located, reading = read(source)
        assert (keys(located), reading.issues) == (found, [])
        assert (reading.files, reading.resources) == (1, len(found))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(TWO.replace(b"\n", b"\n\n"), id="a blank line between"),
        pytest.param(b"\n" + TWO, id="a blank line before"),
        pytest.param(BROKEN + b"\n" + TWO, id="the first line broken"),
    ],
)
def test_ndjson_named_json_is_known_by_more_than_its_first_lines(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    assert keys(read(tmp_path)[0]) == ["Patient/a", "Patient/b"]


def test_folders_are_walked_in_the_order_of_names_and_other_files_are_counted(tmp_path: Path) -> None:
    for name in ("b/2.json", "b/1.json", "a/deep/er/1.ndjson", "a.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(text(patient(name.replace("/", "-").split(".")[0])))
    (tmp_path / "notes.txt").write_text("no FHIR")
    (tmp_path / "b" / "picture.png").write_bytes(b"\x89PNG")
    found, reading = read(tmp_path)
    assert keys(found) == ["Patient/a", "Patient/a-deep-er-1", "Patient/b-1", "Patient/b-2"]
    assert (reading.files, reading.other_files, reading.issues) == (4, 2, [])


def test_each_bundle_is_a_room_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_bytes(text(bundle(patient("a"), bundle(patient("b"), patient("c")))))
    (tmp_path / "2.json").write_bytes(text(bundle(patient("d"))))
    (tmp_path / "3.json").write_bytes(text(patient("e")))
    rooms = {each.id: each.bundle for each in read(tmp_path)[0]}
    assert rooms["b"] == rooms["c"]
    assert len({rooms["a"], rooms["b"], rooms["d"]}) == 3
    assert rooms["e"] is None


# --- what is no FHIR


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"name": "settings"}', id="an object"),
        pytest.param(b"[1, 2]", id="a list"),
        pytest.param(b"[]", id="an empty list"),
        pytest.param(b'"Patient"', id="a text"),
        pytest.param(b"5", id="a number"),
        pytest.param(b"null", id="null"),
        pytest.param(b'[{"resourceType": "Patient"}]', id="a list of resources"),
    ],
)
def test_json_without_a_resource_type_is_passed_over_and_counted(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    found, reading = read(tmp_path)
    assert (found, reading.issues, reading.not_fhir) == ([], [], 1)


def test_an_entry_without_a_resource_says_nothing(tmp_path: Path) -> None:
    entries = [{"request": {"method": "DELETE", "url": "Patient/z"}}, {"resource": patient("a")}, {"fullUrl": "urn:x"}]
    (tmp_path / "x.json").write_bytes(text({"resourceType": "Bundle", "type": "transaction", "entry": entries}))
    found, reading = read(tmp_path)
    assert (keys(found), reading.issues) == (["Patient/a"], [])


# --- what cannot be read: an issue with file and line, and the rest is read


@pytest.mark.parametrize(
    ("name", "content", "found", "where"),
    [
        pytest.param("x.json", b"", [], "x.json, line 1", id="empty"),
        pytest.param("x.json", BROKEN, [], "x.json, line 1", id="cut off"),
        pytest.param("x.json", text(patient("a"), indent=1)[:-3], [], "x.json, line 3", id="cut off in the last line"),
        pytest.param(
            "x.json", b'{\n "resourceType": "Patient",\n "id": 05\n}', [], "x.json, line 3", id="a bad number"
        ),
        pytest.param("x.json", text(patient("a")) + b"}", [], "x.json, line 1", id="something after the end"),
        pytest.param("x.json", b"<Patient/>", [], "x.json, line 1", id="XML"),
        pytest.param(
            "x.ndjson",
            text(patient("a")) + b"\n" + BROKEN + b"\n" + text(patient("b")),
            ["Patient/a", "Patient/b"],
            "x.ndjson, line 2",
            id="one line of NDJSON",
        ),
        pytest.param(
            "x.ndjson",
            b"\n\n" + BROKEN + b"\n" + TWO,
            ["Patient/a", "Patient/b"],
            "x.ndjson, line 3",
            id="after blanks",
        ),
        pytest.param(
            "x.ndjson", TWO + b"\n\xff\n", ["Patient/a", "Patient/b"], "x.ndjson, line 3", id="no UTF-8, NDJSON"
        ),
        pytest.param("x.json", b'{"resourceType": "Patient", "id": "\xff"}', [], "x.json, line 1", id="no UTF-8"),
        pytest.param(
            "x.json",
            b'{\n "resourceType": "Patient",\n "id": "\xff"\n}',
            [],
            "x.json, line 3",
            id="no UTF-8 further down",
        ),
        pytest.param("x.json", text(patient("a")).decode().encode("utf-16"), [], "x.json, line 1", id="UTF-16"),
        pytest.param("x.json.gz", text(patient("a")), [], "x.json.gz, line 1", id="no gzip"),
        pytest.param("x.json.gz", b"", [], "x.json.gz, line 1", id="empty gzip"),
        pytest.param("x.json.gz", gzip.compress(text(patient("a")))[:-6], [], "x.json.gz, line 1", id="gzip cut off"),
        pytest.param(
            "x.ndjson.gz",
            gzip.compress(TWO)[:12] + b"\x00\xff\x00" * 9,
            [],
            "x.ndjson.gz, line 1",
            id="gzip broken inside",
        ),
        pytest.param("x.json", b'{"resourceType": 5}', [], "x.json, line 1", id="resourceType is a number"),
        pytest.param("x.ndjson", b'\n{"resourceType": null}', [], "x.ndjson, line 2", id="resourceType is null"),
        pytest.param("x.json", b'{"resourceType": "Bundle", "entry": {}}', [], "x.json, line 1", id="entry is no list"),
        pytest.param(
            "x.json",
            text({"resourceType": "Bundle", "entry": [{"resource": patient("a")}, 5]}, indent=1),
            ["Patient/a"],
            "x.json, line 10",
            id="an entry is a number",
        ),
        pytest.param(
            "x.json",
            text(
                {"resourceType": "Bundle", "entry": [{"resource": {"id": "z"}}, {"resource": patient("a")}]}, indent=1
            ),
            ["Patient/a"],
            "x.json, line 4",
            id="an entry holds no FHIR",
        ),
    ],
)
def test_what_cannot_be_read_is_named_and_the_rest_is_read(
    tmp_path: Path, name: str, content: bytes, found: list[str], where: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "zz.json").write_bytes(text(patient("last")))
    located, reading = read(tmp_path)
    assert keys(located) == [*found, "Patient/last"]
    assert places(reading) == [where]
    assert [(issue.code, issue.severity) for issue in reading.issues] == [("structure", "error")]


def test_an_entry_that_is_null_is_as_good_as_absent(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(text({"resourceType": "Bundle", "entry": [None, {"resource": patient("a")}]}))
    assert keys(read(tmp_path)[0]) == ["Patient/a"]


def test_the_issue_of_an_entry_says_which_entry(tmp_path: Path) -> None:
    inner = bundle({"resourceType": ["Patient"]})
    (tmp_path / "x.json").write_bytes(text(bundle(patient("a"), inner)))
    (issue,) = read(tmp_path)[1].issues
    assert issue.expression == "Bundle.entry[1].resource.entry[0].resource.resourceType"


def test_a_resource_type_that_is_no_text_is_found_on_its_own_line(tmp_path: Path) -> None:
    content = text(bundle(patient("a"), {"id": "z", "resourceType": 5}), indent=1)
    (tmp_path / "x.json").write_bytes(content)
    line = content.decode().splitlines().index('    "resourceType": 5') + 1
    assert places(read(tmp_path)[1]) == [f"x.json, line {line}"]


@pytest.mark.parametrize(
    ("indent", "comment"),
    [
        pytest.param(1, "plain", id="spaces"),
        pytest.param(4, "a/b \\ \" ' # : - {} [] , & * ! | > % @ `", id="signs that mean something in YAML"),
        pytest.param(1, "\u00e9\u4e2d", id="escaped letters"),
        pytest.param("\t", "plain", id="tabs"),
        pytest.param(1, "\U0001f600", id="an escaped surrogate pair"),
    ],
)
def test_the_line_is_that_of_the_faulty_element(tmp_path: Path, indent: int | str, comment: str) -> None:
    faulty = patient("b", language=comment, birthDate="yesterday")
    content = text(bundle(patient("a"), faulty), indent=indent)
    (tmp_path / "x.json").write_bytes(content)
    (issue,) = structural_issues(read(tmp_path)[0][1], "r4")
    line = next(number for number, each in enumerate(content.decode().splitlines(), 1) if "yesterday" in each)
    assert (issue.expression, issue.where) == ("Patient.birthDate", f"x.json, line {line}")


def test_in_ndjson_the_line_is_that_of_the_resource(tmp_path: Path) -> None:
    (tmp_path / "x.ndjson").write_bytes(text(patient("a"), patient("b", birthDate="yesterday")))
    (issue,) = structural_issues(read(tmp_path)[0][1], "r4")
    assert issue.where == "x.ndjson, line 2"


# --- paths


def test_a_path_that_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist") as caught:
        read(tmp_path / "nowhere")
    assert caught.value.exit_code == 4


def test_links_in_a_circle_hold_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.json").write_bytes(text(patient("a")))
    (tmp_path / "a" / "round").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self.json").symlink_to(tmp_path / "self.json")
    (tmp_path / "lost.json").symlink_to(tmp_path / "nowhere.json")
    found, reading = read(tmp_path)
    assert keys(found) == ["Patient/a"]
    assert sorted(places(reading)) == ["a/round, line 1", "lost.json, line 1", "self.json, line 1"]


def test_a_folder_named_like_a_file_is_walked(tmp_path: Path) -> None:
    (tmp_path / "export.json").mkdir()
    (tmp_path / "export.json" / "x.json").write_bytes(text(patient("a")))
    assert keys(read(tmp_path)[0]) == ["Patient/a"]


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.json").write_bytes(text(patient("a")))
    (tmp_path / "x.json").write_bytes(text(patient("b")))
    plain = os.open

    def refusing(path: Any, *arguments: Any, **options: Any) -> Any:
        if str(path).endswith("secret.json"):
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refusing)
    found, reading = read(tmp_path)
    assert (keys(found), places(reading)) == (["Patient/b"], ["secret.json, line 1"])


def test_a_folder_that_may_not_be_read_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(path: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(SourceError, match="cannot be read"):
        read(tmp_path)


# --- whatever stands in a file


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.binary()
    | st.text().map(str.encode)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["resourceType", "entry", "resource", "fullUrl", "id"]), inner, max_size=4
            )
            | inner.map(lambda value: {"resourceType": "Bundle", "entry": value})
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
    st.sampled_from(["x.json", "x.ndjson", "x.json.gz", "x.ndjson.gz"]),
    st.booleans(),
)
@example(b"[" * 100_000, "x.json", False)
@example(b'{"resourceType":"Bundle","entry":[{"resource":' * 300 + b"{}" + b"}]}" * 300, "x.json", False)
@example(b'{"a":1e999999}', "x.json", False)
@example(b'{"resourceType": "\\ud800"}', "x.ndjson", False)
def test_no_bytes_can_stop_the_reading(content: bytes, name: str, compressed: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(gzip.compress(content) if compressed else content)
        found, reading = read(path)
    assert all(each.kind and each.key for each in found)
    assert all(issue.where.startswith(f"{name}, line ") for issue in reading.issues)


@pytest.mark.parametrize("name", ["x.ndjson.gz", "x.jsonl.GZ", "x.json.gz"])
def test_a_packed_file_of_no_bytes(name: str, tmp_path: Path) -> None:
    """Nobody packed it: whoever wrote it was broken off, and a claim may be missing."""
    (tmp_path / name).write_bytes(b"")
    found, reading = read(tmp_path)
    assert found == []
    assert [(each.text, each.code) for each in reading.issues] == [
        ("the file is empty, where gzip of no text is not", "structure")
    ]
    assert places(reading) == [f"{name}, line 1"]


def test_a_packed_file_of_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.ndjson.gz").write_bytes(gzip.compress(b""))
    assert read(tmp_path) == ([], Reading(files=1))
