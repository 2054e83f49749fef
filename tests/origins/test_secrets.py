"""Every secret is set to something unmistakable, every command is run, well and badly: nowhere is it seen again."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from answers.story_stages import FIXTURES
from auth.certificates import Authority
from command_line import STORY, Command
from docs.test_docs import COMMANDS
from hapi_server import free_port
from origins.pair import Pair

from adapter.auth.keys import Algorithm, new_private_jwk
from adapter.secret_settings import is_secret
from adapter.settings import Settings

ROOT = Path(__file__).parents[2]
MARK = "unmistak4ble"
SPELLINGS = (MARK, MARK.upper(), base64.b64encode(MARK.encode()).decode().rstrip("="), MARK.encode().hex())
"""A password of HTTP Basic is 12 bytes into its header by the user that is named below."""
USER = "jane-jane-j"
SEVERAL = {"SUBSCRIPTION_SECRETS": f'{{"claims": "{MARK}-subscriptions"}}'}
OF_WAYS = {"TOKEN", "BASIC_PASSWORD", "DATABASE_URL"}
SECRETS = {name.upper() for name, field in Settings.model_fields.items() if is_secret(field)}
SHARED = {name: f"{MARK}-{name.lower()}" for name in SECRETS - OF_WAYS} | SEVERAL
"""Every secret that there is, and will be, but for those below."""
WAYS = {
    "token": {"TOKEN": f"{MARK}-token"},
    "basic": {"BASIC_USER": USER, "BASIC_PASSWORD": f"{MARK}-password"},
    "smart": {"CLIENT_ID": "us", "PRIVATE_KEY_FILE": "key.json"},
    "several": {"TOKEN": f"{MARK}-token", "BASIC_USER": USER, "BASIC_PASSWORD": f"{MARK}-password"},
    "too short": {"SUBMIT_SECRET": MARK},
    "no JSON": {"SUBSCRIPTION_SECRETS": f"{MARK}-subscriptions"},
    "no number": {"PAGE_SIZE": MARK},
    "a misspelt name": {"TOKN": f"{MARK}-token"},
    "no database": {"DATABASE_URL": f"postgresql://me:{MARK}@127.0.0.1:1/none"},
    "a database that is none": {"DATABASE_URL": f"mysql://me:{MARK}@127.0.0.1:1/none"},
    "a database malformed": {"DATABASE_URL": f"postgresql://me:{MARK}/x@127.0.0.1:1/none"},
}
"""Ways to be let in, and mistakes."""
OFFLINE = (
    ("check",),
    ("check", "--settings"),
    ("check", "--settings", "--format", "json"),
    ("failures", "list"),
    ("runs",),
    ("sync", "in", "--out", "out"),
)
ONLINE = (
    ("sync", "URL"),
    ("sync", "URL", "--bulk"),
    ("explain", "URL", "a"),
    ("map", "URL", "--resource", "Claim/a"),
    ("subscribe", "URL", "create"),
    ("subscribe", "URL", "list"),
)


def seen(text: str) -> list[str]:
    return [each for each in SPELLINGS if each in text]


@pytest.fixture
def state(command: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a command, with a key that is locked, and a claim; every file that is left behind lies there."""
    folder = command.folder
    certificate = Authority("ours").certify("adapter")
    (folder / "client.pem").write_bytes(certificate.certificate)
    (folder / "client.key").write_bytes(certificate.key_pem(SHARED["CLIENT_KEY_PASSWORD"].encode()))
    jwk, _ = new_private_jwk(Algorithm.ES384)
    (folder / "key.json").write_text(json.dumps(jwk))
    (folder / "in").mkdir()
    shutil.copy(FIXTURES / "stories" / STORY / "0_bundle.json", folder / "in" / "good.json")
    monkeypatch.setenv("ADAPTER_LEDGER", str(folder / "state" / "ledger.sqlite"))
    monkeypatch.setenv("ADAPTER_PUBLIC_URL", "http://127.0.0.1:1/subscriptions/all")
    return folder


def give(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"ADAPTER_{name}", value)


def left_behind(folder: Path) -> str:
    """All that was written, but for our own input."""
    paths = [path for part in ("state", "out") for path in sorted((folder / part).rglob("*")) if path.is_file()]
    return "".join(path.read_bytes().decode("latin-1") for path in paths)


@pytest.mark.parametrize("way", WAYS)
def test_no_command_shows_one_without_a_server(
    command: Command, state: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    give(monkeypatch, SHARED | {"CLIENT_CERTIFICATE_FILE": "client.pem", "CLIENT_KEY_FILE": "client.key"})
    give(monkeypatch, WAYS[way])
    private = json.loads((state / "key.json").read_text())["d"]
    for arguments in OFFLINE:
        done = command(*arguments)
        text = done.stdout + done.stderr
        assert not seen(text), f"{arguments}: {done.stderr}"
        assert private not in text
        assert "Traceback" not in text
    assert not seen(left_behind(state))


@pytest.mark.parametrize(("way", "refusal"), [("token", 0), ("token", 401), ("token", 302), ("basic", 401)])
def test_no_command_shows_one_to_whom_it_is_refused(
    command: Command, state: Path, pair: Pair, monkeypatch: pytest.MonkeyPatch, way: str, refusal: int
) -> None:
    give(monkeypatch, {name: SHARED[name] for name in SHARED if name != "CLIENT_KEY_PASSWORD"} | WAYS[way])
    pair.ours.refusal = refusal
    for arguments in ONLINE:
        done = command(*(pair.base if each == "URL" else each for each in arguments))
        assert not seen(done.stdout + done.stderr), f"{arguments}: {done.stderr}"
        assert "Traceback" not in done.stderr
    assert "authorization" in pair.ours.headers  # so that there was something to show
    assert not seen(left_behind(state))


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_shows_one(command: Command, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    give(monkeypatch, SHARED | WAYS["token"])
    done = command(name, "--help")
    assert not seen(done.stdout + done.stderr)


# --- processes: what others on this machine see


def command_lines(pid: int) -> Iterator[str]:
    """Of a process and of all below it, as anybody may read them."""
    try:
        yield Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from command_lines(int(child))
    except OSError:  # it ended meanwhile
        return


def started(folder: Path, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
    given = {f"ADAPTER_{name}": value for name, value in (SHARED | WAYS["token"] | settings).items()}
    given.pop("ADAPTER_CLIENT_KEY_PASSWORD")
    environment = {**os.environ, **given, "PYTHONPATH": str(ROOT)}
    with (folder / "printed").open("wb") as printed:
        return subprocess.Popen(
            [sys.executable, "-m", "adapter", *arguments], cwd=folder, env=environment, stdout=printed, stderr=printed
        )


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc on this system")
def test_no_process_of_several_shows_one(state: Path) -> None:
    for name in range(2):
        shutil.copytree(FIXTURES / "clinic", state / "in" / str(name))
    with started(state, "sync", "in", "--out", "out", PROCESSES="2") as process:
        found: set[str] = set()
        while process.poll() is None:
            found |= set(command_lines(process.pid))
            time.sleep(0.02)
    assert len(found) > 1, "no child was seen"
    assert not seen("\n".join(found))
    assert not seen((state / "printed").read_text() + left_behind(state))


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc on this system")
def test_a_service_shows_none_and_keeps_none(state: Path, pair: Pair) -> None:
    """With a notification, a wrong secret, and a server that has nothing to give."""
    port = str(free_port())
    with started(state, "serve", pair.base, "--port", port) as process:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            until_open(http, process)
            found = "\n".join(command_lines(process.pid))
            for secret in (SHARED["SUBSCRIPTION_SECRET"], MARK):
                http.put("/subscriptions/all/Claim/a", headers={"Authorization": f"Bearer {secret}"})
                http.post("/Claim/$submit", headers={"Authorization": f"Bearer {secret}"}, json={})
            answers = http.get("/health/live").text + http.get("/health/ready").text
        process.terminate()
    assert not seen(found + answers + (state / "printed").read_text() + left_behind(state))
    assert list((state / "state").glob("*.sqlite"))


def until_open(http: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            http.get("/health/live")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
