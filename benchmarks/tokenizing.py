"""Encoding speed of both tokenizers beside `tokenizers`' own, on the same text in one run.

    python benchmarks/tokenizing.py [--text plays] [--megabytes 8]

The vocabularies (8,192 tokens) are trained on the same text. "cold" is the first pass, in which every
piece of text is new; "warm" is the second. Ours uses one core. The rate per second of processor time is
the steadier one where other programs run.
GPT-1 has two peers: the released road in a straight line (ftfy, regular expressions, spaCy on the whole
document, then `tokenizers`), and what `tokenizers` can do alone, which gives other words (BERT's).
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import ftfy
import spacy
from tokenizers import Tokenizer, normalizers, pre_tokenizers

from gptrepro.sources.corpora import load_corpus
from gptrepro.tokenizer import standardise, train_byte_level_bpe, train_gpt1_bpe

N_VOCAB = 8192
PUNCTUATION = re.compile(r"(-+|~+|!+|\"+|;+|\?+|\++|,+|\)+|\(+|\\+|/+|\*+|\[+|\]+|}+|{+|\|+|_+)")


def documents(name: str, megabytes: float) -> Iterator[str]:
    """Documents of the corpus until they hold so many million bytes."""
    room = megabytes * 1e6
    for document in load_corpus(name).documents():
        if room <= 0:
            return
        room -= len(document.encode())
        yield document


def straight(backend: Tokenizer) -> Callable[[str], Any]:
    """GPT-1's road without shortcuts."""
    english = spacy.blank("en").tokenizer

    def encode(text: str) -> list[int]:
        text = ftfy.fix_text(text).replace("—", "-").replace("–", "-").replace("―", "-")
        text = PUNCTUATION.sub(r" \1 ", text.replace("…", "...").replace("´", "'"))
        text = re.sub(r"[^\S\n]+", " ", re.sub(r"\s*\n\s*", " \n ", text)).strip()
        words = ["\n" if token.is_space else token.text.lower() for token in english(text)]
        ids: list[int] = backend.encode(" ".join(words), add_special_tokens=False).ids
        return ids

    return encode


def one_by_one(backend: Tokenizer) -> Callable[[list[str]], Any]:
    """`tokenizers` on one core: only its batches spread over the others."""
    return lambda texts: [backend.encode(text).ids for text in texts]


def main() -> None:
    """Print MB/s of every way to encode the text."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--text", default="plays", help="name of a corpus (gptrepro data list)")
    parser.add_argument("--megabytes", type=float, default=8.0, help="how much of it")
    options = parser.parse_args()
    texts = list(documents(options.text, options.megabytes))
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{options.text}: {len(texts)} documents, {megabytes:.1f} MB, {N_VOCAB} tokens")

    print(f"{'':<50}{'MB/s':>8}{'MB/CPU s':>10}")

    def measure(what: str, encode: Callable[[list[str]], object]) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        encode(texts)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        print(f"{what:<50}{megabytes / wall:8.2f}{megabytes / processor:10.2f}", flush=True)

    gpt2 = train_byte_level_bpe(texts, N_VOCAB)
    backend = Tokenizer.from_str(gpt2._backend.to_str())
    measure("GPT-2  ours, cold", lambda texts: [gpt2.encode(text) for text in texts])
    measure("GPT-2  ours, warm", lambda texts: [gpt2.encode(text) for text in texts])
    measure("GPT-2  tokenizers, one core", one_by_one(backend))
    measure("GPT-2  tokenizers, all cores", backend.encode_batch_fast)

    gpt1 = train_gpt1_bpe(texts, N_VOCAB)
    standardise._english.cache_clear()
    standardise.stands_alone.cache_clear()
    measure("GPT-1  ours, cold", lambda texts: [gpt1.encode(text) for text in texts])
    measure("GPT-1  ours, warm", lambda texts: [gpt1.encode(text) for text in texts])
    plain = straight(gpt1._backend)
    measure("GPT-1  ftfy, spaCy and tokenizers in a line", lambda texts: [plain(text) for text in texts])
    backend = Tokenizer.from_str(gpt1._backend.to_str())
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    measure("GPT-1  tokenizers alone, other words, one core", one_by_one(backend))
    if any(plain(text) != gpt1.encode(text) for text in texts):
        raise SystemExit("The fast and the straight road differ.")


if __name__ == "__main__":
    main()
