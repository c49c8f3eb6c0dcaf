from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gptrepro import storage
from gptrepro.book import build, build_book
from gptrepro.book.execute import Failure
from gptrepro.errors import GptreproError

from .conftest import write_notebook


def test_it_builds_once_and_then_only_what_changed(
    small_book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = (small_book / "notebooks/a/01-first.ipynb").read_bytes()
    with (small_book / "_toc.yml").open("a") as toc:
        toc.write("      - file: book/status\n")
    first = build_book(small_book, strict=True)
    assert first == small_book / "_build/html/index.html"
    page = small_book / "_build/html/notebooks/a/01-first.html"
    assert "laptop" in page.read_text()
    assert (small_book / "notebooks/a/01-first.ipynb").read_bytes() == stored
    assert "Executing 2 of 2 notebooks" in capsys.readouterr().err
    status = small_book / "_build/html/book/status.html"
    written = status.read_text()
    assert "01-first" in written and "ran to its end" in written
    assert not (small_book / "book/status.md").exists()
    when = status.stat().st_mtime_ns

    build_book(small_book, strict=True)
    assert "Nothing has changed" in capsys.readouterr().err
    assert status.stat().st_mtime_ns == when

    write_notebook(small_book / "notebooks/a/02-second.ipynb", "print('news')")
    build_book(small_book, strict=True)
    assert "Executing 1 of 2 notebooks" in capsys.readouterr().err
    assert "news" in page.with_name("02-second.html").read_text()


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of notebooks in the order in which they would be executed; they are copied instead."""
    names: list[str] = []

    def copy(root: Path, notebooks: list[Path], output: Path, **_: object) -> list[Failure]:
        for name in notebooks:
            names.append(name.name)
            if "broken" in (root / name).read_text():
                continue
            (output / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, output / name)
        return [Failure(name, f"{name} failed", "why") for name in notebooks if not (output / name).exists()]

    monkeypatch.setattr(build, "execute_notebooks", copy)
    return names


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each time that the pages would be built."""
    built: list[bool] = []

    def pretend(root: Path, contents: object, executed: Path, output: Path, **_: object) -> None:
        for page in ("index.html", "book/page.html"):
            storage.write_text(output / "html" / page, "")
        built.append(True)

    monkeypatch.setattr(build, "_build_pages", pretend)
    return built


def test_each_input_renews_what_depends_on_it(
    small_book: Path, executed: list[str], pages: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPTREPRO_HOME", str(small_book.parent / "home"))
    both = ["01-first.ipynb", "02-second.ipynb"]

    def rebuilt(path: Path, **how: bool) -> tuple[list[str], int]:
        executed.clear()
        pages.clear()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.read_text() + " " if path.exists() else "[1]")
        build_book(small_book, **how)
        return executed.copy(), len(pages)

    assert rebuilt(small_book / "unrelated.txt") == (both, 1)
    assert rebuilt(small_book / "unrelated.txt") == ([], 0)
    assert rebuilt(small_book / "unrelated.txt", strict=True) == ([], 1)
    assert rebuilt(small_book / "unrelated.txt") == ([], 0)  # a strict build serves both
    assert rebuilt(small_book / "book/index.md") == ([], 1)
    assert rebuilt(small_book / "_config.yml") == ([], 1)
    assert rebuilt(small_book / "data/results.json") == (both, 1)
    assert rebuilt(small_book / "gptrepro/code.py") == (both, 1)
    assert rebuilt(small_book / "constraints.txt") == (both, 1)
    assert rebuilt(small_book / "notebooks/a/02-second.ipynb") == (both[1:], 1)
    # A local record renews the notebooks; the pages follow only if an output changed.
    assert rebuilt(storage.home() / "runs/smoke/x/0123/seed-100/record.json") == (both, 0)
    assert rebuilt(small_book / "unrelated.txt", force=True) == (both, 1)


def test_what_was_damaged_or_deleted_is_made_again(
    small_book: Path, executed: list[str], pages: list[bool]
) -> None:
    build_book(small_book)
    for path, again in (
        ("executed/notebooks/a/02-second.ipynb", ["02-second.ipynb"]),
        ("html/book/page.html", []),
    ):
        for damage in (lambda path: path.write_text("{"), Path.unlink):
            executed.clear()
            pages.clear()
            damage(small_book / "_build" / path)
            build_book(small_book)
            assert (executed, len(pages)) == (again, 0 if again else 1)
    executed.clear()
    build_book(small_book)
    assert executed == []


def test_stored_outputs_are_shown_without_running_anything(
    small_book: Path, executed: list[str], pages: list[bool]
) -> None:
    for _ in range(2):  # the second time nothing has changed
        build_book(small_book, stored=True)
    assert (executed, len(pages)) == ([], 1)
    build_book(small_book)
    assert (len(executed), len(pages)) == (2, 2)


def test_where_nothing_can_be_written_no_notebook_runs(
    small_book: Path, executed: list[str], pages: list[bool]
) -> None:
    (small_book / "taken").write_text("")
    with pytest.raises(GptreproError, match="a file stands in its place"):
        build_book(small_book, output=small_book / "taken")
    assert executed == []


def test_what_a_killed_build_left_behind_is_removed(
    small_book: Path, executed: list[str], pages: list[bool]
) -> None:
    build_book(small_book)
    gone = 2**22 + 1  # more than any process number
    names = (f".pages.{gone}-1a2b.new", f".html.{gone}-1a2b.new", f".html.{gone}-1a2b.old")
    leftovers = [small_book / "_build" / name for name in names]
    for leftover in leftovers:
        (leftover / "source").mkdir(parents=True)
    build_book(small_book)  # nothing has changed
    assert not any(leftover.exists() for leftover in leftovers)


def test_a_build_at_work_is_left_alone(small_book: Path, executed: list[str], pages: list[bool]) -> None:
    output = small_book / "_build"
    with (
        storage.sole_holder(output, "busy"),
        pytest.raises(GptreproError, match=r"Another build is at work in .*_build: let it finish"),
    ):
        build_book(small_book)
    assert not executed


def test_a_build_waits_for_another_when_asked(
    small_book: Path, executed: list[str], pages: list[bool]
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with storage.sole_holder(small_book / "_build", "busy"):
            second = pool.submit(build_book, small_book, wait_seconds=60)
            time.sleep(0.2)
            assert not executed
        assert second.result().exists()
    assert executed


def test_a_failing_notebook_fails_the_build_after_the_others_ran(
    small_book: Path, executed: list[str], pages: list[bool]
) -> None:
    write_notebook(small_book / "notebooks/a/01-first.ipynb", "broken")
    with pytest.raises(GptreproError, match=r"01-first.ipynb failed"):
        build_book(small_book)
    assert (small_book / "_build/executed/notebooks/a/02-second.ipynb").exists()
    assert not pages
    executed.clear()
    with pytest.raises(GptreproError, match=r"01-first.ipynb failed"):
        build_book(small_book)
    assert executed == ["01-first.ipynb"]  # the other one is up to date


def test_a_warning_fails_a_strict_build_and_leaves_the_pages(
    small_book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = build_book(small_book, stored=True)
    before = (small_book / "_build/html/book/index.html").read_text()
    (small_book / "book/index.md").write_text("# Small\n\n[nowhere](absent.md)\n")
    with pytest.raises(GptreproError, match="Warnings count as errors"):
        build_book(small_book, stored=True, strict=True)
    assert "absent.md" in capsys.readouterr().err
    assert first.exists()
    assert (small_book / "_build/html/book/index.html").read_text() == before
