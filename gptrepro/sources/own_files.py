"""Readers' own texts as they have them: files, folders, packed or not, rows with a column, sets of the hub.

Whatever it is gives documents, and is read in blocks, so that memory does not grow with its size: a document
that is longer than a block is given as its blocks.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TextIO

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.progress import Display
from gptrepro.sources.catalogue import HubSource

END_OF_TEXT = "<|endoftext|>"
"""What many text files have between their documents, and the name of the token that ends one."""

BLOCK = 2**22
"""Characters that are read at once."""
_KEPT_BACK = 2**10
"""Characters at the end of a block in which a separator may have begun."""

_ON_A_LINE = rf"(?m)\n?^[ \t]*{re.escape(END_OF_TEXT)}[ \t]*$\n?"

TEXT_SUFFIXES = (".txt", ".text", ".md", ".jsonl", ".parquet")
"""What is taken of a folder, also with ``.gz`` behind it."""

HUB = "hub:"
LARGEST_HUB_TEXT = 50 * 10**9
"""Bytes of a set of the hub that may come at most."""

MANY = 100
"""Documents from which a held-out share is drawn by their hashes; of fewer, it is the end of the text."""

Document = str | Iterable[str]
"""A document, or its blocks, to be read before the next document is asked for."""


@dataclass(frozen=True)
class OwnText:
    """What shards need of a corpus, of a reader's own text."""

    name: str
    files: tuple[Path, ...]
    digest: str
    n_bytes: int
    """Of the files as they lie there."""
    column: str = "text"
    """Of rows: what holds the text."""
    separator: str | None = None
    """A pattern of what stands between the documents of text files; None where each is one document."""
    split: Literal["file", "train", "heldout"] = "file"
    share: float = 0.0
    """Of the text that is held out."""
    tier: str = "file"

    def documents(self) -> Iterator[Document]:
        """The documents that hold more than white space.

        Raises:
            GptreproError: a file is not what its name says, or nothing holds any text.
        """
        found = False
        for document in self._part() if self.share else self._all():
            found = True
            yield document
        if not found:
            which = "held-out part" if self.split == "heldout" else "text"
            raise GptreproError(f"{self.files[0].parent / self.name} holds no {which}.")

    def _all(self) -> Iterator[Document]:
        for path in self.files:
            if _kind(path) == ".parquet":
                yield from _column_of_parquet(path, self.column)
            elif _kind(path) == ".jsonl":
                yield from _column_of_lines(path, self.column)
            else:
                yield from _documents(path, self.separator)

    def _part(self) -> Iterator[Document]:
        """The documents of the split."""
        sizes = [sum(map(len, _blocks(document))) for document in self._all()]
        heldout = self.split == "heldout"
        if len(sizes) >= MANY:
            for document in self._all():
                text = document if isinstance(document, str) else "".join(document)
                if _drawn(text, self.share) == heldout:
                    yield text
            return
        border, at = round((1 - self.share) * sum(sizes)), 0
        for document, size in zip(self._all(), sizes, strict=True):
            if at < border < at + size:
                yield from _side(document, border - at, heldout)
            elif (at >= border) == heldout:
                yield document
            at += size

    def divided(self, share: float) -> tuple[OwnText, OwnText]:
        """What to train on, and a held-out share of it.

        Of many documents it is drawn by their hashes; of few it is the end of the text, from a line on.

        Raises:
            GptreproError: the share is not between 0 and a half.
        """
        if not 0 < share <= 0.5:
            raise GptreproError(f"A held-out share lies between 0 and 0.5, not {share}.")

        def part(split: Literal["train", "heldout"]) -> OwnText:
            digest = storage.sha256_text(storage.canonical_json([self.digest, split, share]))
            return replace(self, split=split, share=share, digest=digest)

        return part("train"), part("heldout")


def _blocks(document: Document) -> Iterable[str]:
    return [document] if isinstance(document, str) else document


def _drawn(text: str, share: float) -> bool:
    """Whether the hash of a document holds it out."""
    return int(storage.sha256_text(text)[:12], 16) < share * 16**12


def _side(document: Document, border: int, heldout: bool) -> Iterator[Document]:
    """The part before, or from, the first line that begins at ``border`` or later; no blank one."""
    if isinstance(document, str):
        text = "".join(_cut([document], border, heldout))
        yield from [text] if text.strip() else []
    else:
        yield _cut(document, border, heldout)


def _cut(blocks: Iterable[str], border: int, heldout: bool) -> Iterator[str]:
    at, over = 0, False
    for block in blocks:
        if not over and at + len(block) > border:
            start = max(0, border - at)
            cut = block.find("\n", start) + 1 or start
            over = True
            yield block[cut:] if heldout else block[:cut]
        elif over == heldout:
            yield block
        at += len(block)


def open_own_text(name: str, separator: str | None = None, column: str = "text") -> OwnText:
    """A reader's own text.

    Args:
        name: a file or a folder of ``.txt``, ``.md``, ``.jsonl`` or ``.parquet``, also as ``.gz``; any other
            file is read as text. ``hub:org/set:column`` (or ``hub:org/set/config:column``) is the split
            ``train`` of a set on the hub.
        separator: a text that ends documents of text files wherever it stands, with the line ends around it;
            "none" where each file is one document. By default ``<|endoftext|>`` does where it fills a line,
            and a notice says so.
        column: of rows, what holds the text.

    Raises:
        GptreproError: there is no such thing, or the separator is empty.
    """
    if separator == "":
        raise GptreproError("The separator of documents is empty: give a text, or none for one document.")
    if name.startswith(HUB):
        return _open_hub(name)
    path = Path(name)
    if path.is_dir():
        files = tuple(sorted(file for file in path.rglob("*") if file.is_file() and _in_folder(file)))
        if not files:
            raise GptreproError(f"The folder {path} holds no file {', '.join(TEXT_SUFFIXES)}.")
    elif path.is_file():
        files = (path,)
    else:
        raise GptreproError(f"There is no text file at {path}.")
    pattern = rf"\n?{re.escape(separator)}\n?" if separator not in (None, "none") else None
    plain = [file for file in files if _kind(file) not in (".jsonl", ".parquet")]
    if separator is None and plain and _recognised(path, plain):
        pattern = _ON_A_LINE
    digests = [storage.sha256_file(file) for file in files]
    digest = digests[0]
    if path.is_dir():
        names = [file.relative_to(path).as_posix() for file in files]
        digest = storage.sha256_text(storage.canonical_json([*zip(names, digests, strict=True)]))
    if pattern is not None:
        digest = storage.sha256_text(storage.canonical_json([digest, pattern]))
    if column != "text" and len(plain) < len(files):
        digest = storage.sha256_text(storage.canonical_json([digest, "column", column]))
    stem = path.name.removesuffix(".gz").removesuffix(_kind(path)) if path.is_file() else path.resolve().name
    return OwnText(stem, files, digest, sum(file.stat().st_size for file in files), column, pattern)


def _open_hub(name: str) -> OwnText:
    from gptrepro.sources.hub import fetch_parquet  # its client loads when it is asked

    found = re.fullmatch(r"hub:([\w.-]+/[\w.-]+)(?:/([\w.-]+))?(?::([\w.-]+))?", name)
    if found is None:
        raise GptreproError(f"'{name}' is no set of the hub: write hub:org/set:column.")
    source = HubSource(id=found[1], config=found[2] or "default", split="train", column=found[3] or "text")
    files = fetch_parquet(source, LARGEST_HUB_TEXT)
    identity = [source.model_dump(), [storage.sha256_file(file) for file in files]]
    digest = storage.sha256_text(storage.canonical_json(identity))
    n_bytes = sum(file.stat().st_size for file in files)
    return OwnText(found[1].replace("/", "-"), files, digest, n_bytes, str(source.column), tier="hub")


def _kind(path: Path) -> str:
    """The suffix that says what a file holds."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    return suffixes[-1] if suffixes else ""


def _in_folder(file: Path) -> bool:
    return _kind(file) in TEXT_SUFFIXES and not any(part.startswith(".") for part in file.parts[-2:])


def _opened(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig")


def _read(path: Path) -> Iterator[str]:
    """The text of a file in blocks.

    Raises:
        GptreproError: it cannot be read, or is not UTF-8.
    """
    otherwise = "name one in UTF-8, or convert this one with iconv"
    try:
        with _opened(path) as file:
            while block := file.read(BLOCK):
                yield block
    except UnicodeDecodeError as error:
        raise GptreproError(f"{path} is not UTF-8 text ({error.reason}): {otherwise}.") from error
    except (EOFError, zlib.error) as error:
        raise GptreproError(f"{path} is damaged ({error}): pack it again.") from error
    except OSError as error:
        raise GptreproError(f"{path} cannot be read ({error.strerror or error}): {otherwise}.") from error


def _lines(path: Path) -> Iterator[str]:
    rest = ""
    for block in _read(path):
        *lines, rest = (rest + block).split("\n")
        yield from lines
    if rest:
        yield rest


def _documents(path: Path, separator: str | None) -> Iterator[Document]:
    """The documents of a text file; one that is longer than a block is given as its blocks."""
    reader = _pieces(path, separator)
    for text, ends in reader:
        if ends:
            if text.strip():
                yield text
        else:
            rest = _until_end(reader)
            yield _chained(text, rest)
            for _ in rest:  # whatever was not asked for
                pass


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _until_end(reader: Iterator[tuple[str, bool]]) -> Iterator[str]:
    for text, ends in reader:
        yield text
        if ends:
            return


def _pieces(path: Path, separator: str | None) -> Iterator[tuple[str, bool]]:
    """Parts of documents, each with whether its document ends there."""
    pattern = re.compile(separator) if separator is not None else None
    held = ""
    for block in _read(path):
        held += block
        if pattern is not None:
            start = 0
            for found in pattern.finditer(held):
                if found.end() >= len(held):  # more of it may follow
                    break
                yield held[start : found.start()], True
                start = found.end()
            held = held[start:]
        if len(held) > BLOCK + _KEPT_BACK and held[:-_KEPT_BACK].strip():
            cut = held.rfind("\n", 0, len(held) - _KEPT_BACK)
            cut = cut if cut > 0 else len(held) - _KEPT_BACK
            yield held[:cut], False
            held = held[cut:]
    if pattern is not None:
        *whole, held = pattern.split(held)
        yield from ((text, True) for text in whole)
    yield held, True


def _column_of_lines(path: Path, column: str) -> Iterator[str]:
    for number, line in enumerate(_lines(path), start=1):
        place = f"Line {number:,} of {path}"
        if not line.strip():
            continue
        try:
            row = storage.parse_json(line, dict[str, Any], "row")
        except GptreproError as error:
            raise GptreproError(f"{place} {error}: give it one object a line.") from error
        text = row.get(column)
        if not isinstance(text, str):
            there = ", ".join(row)
            raise GptreproError(f"{place} has no text in '{column}' (it has {there}): name another --column.")
        if text.strip():
            yield text


def _column_of_parquet(path: Path, column: str) -> Iterator[str]:
    from pyarrow import ArrowException, parquet  # of the extra data

    try:
        file = parquet.ParquetFile(path)
        if column not in file.schema_arrow.names:
            there = ", ".join(file.schema_arrow.names)
            raise GptreproError(f"{path} has no column '{column}' (it has {there}): name another --column.")
        for batch in file.iter_batches(batch_size=1000, columns=[column]):
            yield from (
                text for text in batch.column(0).to_pylist() if isinstance(text, str) and text.strip()
            )
    except (ArrowException, OSError) as error:
        raise GptreproError(
            f"{path} is no parquet file that can be read ({error}): write it again."
        ) from error


def _recognised(path: Path, files: list[Path]) -> bool:
    """Whether the files have a separator without being asked for, with a notice of what is done."""
    lines = within = 0
    for file in files:
        for line in _lines(file):
            if END_OF_TEXT in line:
                fills = line.strip(" \t") == END_OF_TEXT
                lines, within = lines + fills, within + (0 if fills else line.count(END_OF_TEXT))
    if lines:
        Display().say(
            f"{path}: {lines:,} lines {END_OF_TEXT} end documents; --separator none reads them as text."
        )
    elif within:
        Display().say(
            f"{path} holds {END_OF_TEXT} within lines, {within:,} times, which is read as text: with "
            f"--separator '{END_OF_TEXT}' it ends documents."
        )
    return lines > 0
