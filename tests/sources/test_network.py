"""Whatever a host answers ends soon, in one sentence, within its bytes, and leaves nothing behind."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from pytest_httpserver import HTTPServer

from gptrepro.errors import GptreproError
from gptrepro.sources import download, hub, network, packages
from gptrepro.sources.assets import fetch_files
from gptrepro.sources.corpora import load_corpus
from gptrepro.sources.network import PATIENCE_SECONDS, require_reachable
from tests.sources.host import Answer, Host, ResetError, Script
from tests.sources.test_hub import parquet
from tests.sources.test_packages import sdist
from tests.sources.tiny import COMMIT, UseCatalogue, tiny


def test_any_answer_will_do(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("no", status=500)
    require_reachable(httpserver.url_for("/"))


def test_a_closed_port_cannot_be_reached(closed_port: int) -> None:
    with pytest.raises(GptreproError, match=rf"127\.0\.0\.1:{closed_port} cannot be reached"):
        require_reachable(f"http://127.0.0.1:{closed_port}/")


def test_a_silent_host_is_given_up_on() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        began = time.monotonic()
        with pytest.raises(GptreproError, match="cannot be reached"):
            require_reachable(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        assert time.monotonic() - began < PATIENCE_SECONDS + 1


CEILING = 1_000_000  # for what is not pinned, while tests run
SILENCE = 0.3
SECONDS = 4.0  # that a trial may take
ZEROS = bytes(1 << 16)
BOMB = gzip.compress(bytes(50_000_000))

# What is said instead of a good answer. The first table replaces all of it, the second what follows the
# headers, which stay good; each with what the sentence must say, where all tiers say the same.


def _says(body: bytes, status: str = "200 OK", **headers: str) -> Callable[[Answer, str], Script]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def script(good: Answer, path: str) -> Script:
        yield (answer := Answer(body, named, status)).head()
        yield answer.body

    return script


def _closes(good: Answer, path: str) -> Script:
    yield from ()


def _resets(good: Answer, path: str) -> Script:
    yield b""
    raise ResetError


def _is_silent(good: Answer, path: str) -> Script:
    yield 1.5


def _drips_headers(good: Answer, path: str) -> Script:
    for byte in good.head() + bytes(1000):
        yield bytes([byte])
        yield 0.1


def _has_endless_headers(good: Answer, path: str) -> Script:
    yield b"HTTP/1.1 200 OK\r\n"
    for number in range(300_000):
        yield b"X-%d: y\r\n" % number * 100


def _redirects(good: Answer, path: str) -> Script:
    yield from _says(b"", "302 Found", Location=path)(good, path)


def _redirects_after_an_endless_page(good: Answer, path: str) -> Script:
    yield b"HTTP/1.1 302 Found\r\nLocation: /gone\r\n\r\n"
    yield from [ZEROS] * 1000


INSTEAD: dict[str, tuple[Callable[[Answer, str], Script], str]] = {
    "a login page": (_says(b"<html><a href='/login'>Log in</a></html>", Content_Type="text/html"), ""),
    "nothing at all": (_says(b""), ""),
    "a plain object": (_says(b"{}", Content_Type="application/json"), ""),
    "no HTTP": (lambda good, path: iter([b"\x16\x03\x00\xff\n\n"]), ""),
    "an odd status": (_says(b"", "999 What"), ""),
    "a server's error": (_says(b"oh", "503 No"), ""),
    "come back tomorrow": (_says(b"", "429 No", Retry_After="86400", RateLimit='"api";r=0;t=86400'), ""),
    "closed": (_closes, ""),
    "reset": (_resets, ""),
    "silence": (_is_silent, ""),
    "headers that drip": (_drips_headers, "did not answer within|cannot be reached"),
    "headers without end": (_has_endless_headers, ""),
    "a redirect to itself": (_redirects, ""),
    "a redirect to nowhere": (_says(b"", "302 Found", Location="http://[/"), ""),
    "a redirect to a file": (_says(b"", "302 Found", Location="file:///etc/hostname"), ""),
    "a redirect after an endless page": (_redirects_after_an_endless_page, ""),
}


def _with(body: bytes, **headers: str) -> Callable[[Answer, str], Script]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def script(good: Answer, path: str) -> Script:
        yield (answer := Answer(body, good.headers | named)).head()
        yield answer.body

    return script


def _half(good: Answer, path: str) -> Script:
    yield good.head()
    yield good.body[: len(good.body) // 2]


def _half_and_reset(good: Answer, path: str) -> Script:
    yield from _half(good, path)
    raise ResetError


def _half_and_silence(good: Answer, path: str) -> Script:
    yield from _half(good, path)
    yield 1.5


def _drips(good: Answer, path: str) -> Script:
    yield good.head()
    for byte in good.body:
        yield bytes([byte])
        yield 0.1


def _without_end(good: Answer, path: str) -> Script:
    yield good.head().replace(b"Content-Length", b"X-Length")
    yield from [ZEROS] * 1000


def _of_a_terabyte(good: Answer, path: str) -> Script:
    yield good.head(length=10**12)
    yield from [ZEROS] * 1000


AFTER_HEADERS: dict[str, tuple[Callable[[Answer, str], Script], str]] = {
    "no body": (_with(b""), ""),
    "an empty object": (_with(b"{}"), ""),
    "an empty list": (_with(b"[]"), ""),
    "null": (_with(b"null"), ""),
    "a number": (_with(b"7"), ""),
    "half a list": (_with(b'[{"type": '), ""),
    "other types": (_with(b'{"sha": 5, "siblings": "x", "files": {"url": 3}, "id": []}'), ""),
    "a list of other types": (_with(b'[3, {"type": "file", "path": 7, "size": "x", "oid": null}]'), ""),
    "a list a hundred thousand deep": (_with(b"[" * 100_000), ""),
    "no text": (_with(b"\xff\xfe\x00" * 50), ""),
    "a login page with good headers": (_with(b"<html>Log in</html>"), ""),
    "half": (_half, ""),
    "half and a reset": (_half_and_reset, ""),
    "half and silence": (_half_and_silence, r"sent nothing for|less than 1,000 bytes per second"),
    "a body that drips": (_drips, "less than 1,000 bytes per second"),
    "a body without end": (_without_end, "sends more than"),
    "a terabyte": (_of_a_terabyte, "sends more than"),
    "fifty megabytes in fifty kilobytes": (_with(BOMB, Content_Encoding="gzip"), ""),
    "what is not gzip": (_with(b"plain", Content_Encoding="gzip"), ""),
}

OTHER_JSON = ("an empty list", "null", "a number", "half a list", "other types", "a list of other types")

# Names that lead out of the hub's cache, in headers and in a listing.
_LISTED = {"type": "file", "size": 9, "oid": "b" * 40, "path": "default/train/../../../../../../x.parquet"}
NAMES: dict[str, dict[str, Callable[[Answer, str], Script]]] = {
    "head": {
        "an etag that leads away": _with(b"", ETag='"../../../../away"'),
        "an absolute etag": _with(b"", ETag='"/away"'),
        "a commit that leads away": _with(b"", X_Repo_Commit="../../away"),
        "no etag": _with(b"", ETag=""),
    },
    "tree": {
        "a path that leads away": _with(json.dumps([_LISTED]).encode()),
        "a list that goes on": _with(b"[]", Link='</api/datasets/tiny/set/tree/more>; rel="next"'),
    },
}

TEXT = "Some text.\n"
CONTENT = TEXT.encode()
WEIGHTS = bytes(range(256)) * 8
PARQUET = parquet()
ARCHIVE = sdist({"tinydata-1.0/a.txt": CONTENT})
FILE = {"X-Repo-Commit": COMMIT, "ETag": '"e"'}
JSON = {"Content-Type": "application/json"}
LINKS = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
LISTING = [
    {"type": "file", "path": "default/train/0000.parquet", "size": len(PARQUET), "oid": "b" * 40},
]
INDEX = {"files": [{"filename": "tinydata-1.0.tar.gz", "url": "/tinydata-1.0.tar.gz"}]}


class Tier(NamedTuple):
    """How its sentence begins, what a good host answers to each of its steps, and how it fetches."""

    sentence: str
    steps: dict[str, tuple[str, Answer]]
    fetch: Callable[[], object] = lambda: list(load_corpus("tiny").documents())


def _fetch_weights() -> object:
    return fetch_files("weights")["model.bin"].read_bytes()


TIERS = {
    "parquet": Tier(
        r"No tier can serve tiny \(train\) \(hub: tiny/set (cannot be downloaded|has no parquet|came with)",
        {
            "revision": (
                r"GET /api/.*/revision/",
                Answer(json.dumps({"id": "x", "sha": COMMIT}).encode(), JSON),
            ),
            "tree": (r"GET /api/.*/tree/", Answer(json.dumps(LISTING).encode(), JSON)),
            "head": (r"HEAD /datasets/", Answer(PARQUET, FILE)),
            "file": (r"GET /datasets/", Answer(PARQUET, FILE)),
        },
    ),
    "weights": Tier(
        r"No tier can serve weights \(hub: (tiny/model cannot be downloaded|model\.bin of \S* came with)",
        {
            "head": (r"HEAD /tiny/model/", Answer(WEIGHTS, FILE)),
            "file": (r"GET /tiny/model/", Answer(WEIGHTS, FILE)),
        },
        _fetch_weights,
    ),
    "origin": Tier(
        r"No tier can serve tiny \(train\) \(origin: http\S* (cannot be fetched|came with)",
        {"file": (r"GET /origin", Answer(CONTENT, {}))},
    ),
    "release": Tier(
        r"No tier can serve tiny \(train\) \(release: http\S* (cannot be fetched|came with)",
        {"file": (r"GET /release", Answer(ARCHIVE, {}))},
    ),
    "package": Tier(
        r"No tier can serve tiny \(train\) \(package: the package tinydata 1\.0: "
        r"(http\S* (cannot be read|cannot be fetched|came with)|no index or folder)",
        {
            "page": (r"GET /simple/tinydata", Answer(json.dumps(INDEX).encode(), LINKS)),
            "file": (r"GET /tinydata-1", Answer(ARCHIVE, {})),
        },
    ),
}


EVERY_DAY = "parquet, tree, "
"""Where ``make test`` tries all answers; ``make stress`` tries them at every step of every tier."""


def _trials() -> Iterator[Any]:
    for tier, (_, steps, _) in TIERS.items():
        for step in steps:
            table = dict(INSTEAD)
            if step != "head":  # an answer to HEAD has no body
                table |= AFTER_HEADERS
            if step == "file":  # its sha256 or its first bytes tell: one other content stands for all
                table = {name: row for name, row in table.items() if name not in OTHER_JSON}
            if tier == "parquet":
                table |= {name: (script, "") for name, script in NAMES.get(step, {}).items()}
            for name, (script, says) in table.items():
                trial = f"{tier}, {step}, {name}"
                marks = () if trial.startswith(EVERY_DAY) else pytest.mark.stress
                yield pytest.param(tier, step, script, says, id=trial, marks=marks)


@pytest.fixture
def entries(home: Path, use_catalogue: UseCatalogue, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Limits for tests, and every tier at one address."""
    for module in (network, hub, packages, download):
        for name, value in (
            ("SILENCE_SECONDS", SILENCE),
            ("LARGEST_PAGES", CEILING),
            ("LARGEST_FILE", CEILING),
            ("READ_TIMEOUT_SECONDS", SILENCE),
        ):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)

    def use(tier: str, address: str) -> None:
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setattr(packages, "_configured_values", lambda: {"index-url": f"{address}/simple"})
        archive = {"sha256": hashlib.sha256(ARCHIVE).hexdigest(), "bytes": len(ARCHIVE)}
        sources: dict[str, dict[str, Any]] = {
            "origin": {"origin": {"repository": "someone/tiny", "commit": COMMIT, "path": "{name}.txt"}},
            "release": {"release": {"name": "small", "path": "tinydata-1.0/{name}.txt"}},
            "package": {"package": {"name": "tinydata", "path": "tinydata-1.0/{name}.txt"}},
            "parquet": {"origin": {"repository": "none", "commit": COMMIT, "path": "none"}},
        }
        content = tiny({"a": TEXT}, **sources.get(tier, sources["origin"]))
        if tier == "parquet":
            content["corpora"]["tiny"]["splits"]["train"] = {
                "bytes": 30,
                "hub": {"id": "tiny/set", "config": "default", "split": "train"},
            }
        weights = {
            "hub": {"id": "tiny/model", "revision": COMMIT},
            "files": {"model.bin": hashlib.sha256(WEIGHTS).hexdigest()},
        }
        content["assets"] = {
            "weights": {"title": "T", "licence": "none", "paper": "none", "bytes": len(WEIGHTS)}
            | {"file_sets": [weights]}
        }
        content["addresses"] = {"origin": f"{address}/origin", "release": f"{address}/release/{{file}}"}
        content["releases"] = {"small": {"tag": "t", "file": "small.tar.gz"} | archive}
        content["packages"] = {
            "tinydata": {"version": "1.0", "file": "tinydata-1.0.tar.gz", "licence": "none"} | archive
        }
        use_catalogue(content)

    return use


@pytest.mark.parametrize(("tier", "step", "script", "says"), list(_trials()))
def test_what_a_host_answers_is_one_sentence(
    entries: Callable[[str, str], None],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    tier: str,
    step: str,
    script: Callable[[Answer, str], Script],
    says: str,
) -> None:
    from huggingface_hub import file_download
    from huggingface_hub.utils import _http

    naps: list[float] = []  # which the client takes before it tries again
    for module in (file_download, _http):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=naps.append))
    sentence, steps, fetch = TIERS[tier]

    def answer(method: str, path: str, bad: bool = True) -> Script:
        for name, (pattern, good) in steps.items():
            if re.match(pattern, f"{method} {path}"):
                if bad and name == step:
                    yield from script(good, path)
                else:
                    yield good.head()
                    yield b"" if method == "HEAD" else good.body
                return
        yield Answer(b"", {}, "404 Not Found").head()

    host = Host(answer)
    try:
        entries(tier, host.address)
        began = time.monotonic()
        with pytest.raises(GptreproError, match=rf"^{sentence}.*{says}") as caught:
            fetch()
        assert time.monotonic() - began < SECONDS
        assert host.sent < 12 * CEILING  # of 65 million; what waits in sockets counts, too
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 800
        assert sum(naps) < 60
        left = [path for path in home.parent.rglob("*") if path.is_file() and path.stat().st_size > 9]
        assert [path.name for path in left] in ([], ["CACHEDIR.TAG"])
        assert not [path for path in home.rglob("*") if re.search(r"\.incomplete$|\.new$|away", path.name)]
        # A host that comes to its senses is believed.
        host.script = lambda method, path: answer(method, path, bad=False)
        assert fetch()
    finally:
        host.close()
