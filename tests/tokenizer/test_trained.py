"""Tokenizers of corpora: trained once for a text and a size, on documents of every corpus."""

from __future__ import annotations

from gptrepro.sources.corpora import load_corpus
from gptrepro.tokenizer import trained
from gptrepro.tokenizer.trained import trained_tokenizer


def test_a_tokenizer_is_trained_once_for_a_text_and_a_size(tmp_path, monkeypatch):
    corpus = load_corpus("plays", split="heldout")
    first = trained_tokenizer("gpt2", [corpus], 300, tmp_path)
    monkeypatch.setattr(trained, "_TRAINERS", {})  # a second training would fail
    again = trained_tokenizer("gpt2", [corpus], 300, tmp_path)
    assert again.digest == first.digest and again.n_vocab == 300


def test_documents_are_counted_in_each_corpus(tmp_path, monkeypatch):
    corpora = [load_corpus("plays", split=split) for split in ("train", "heldout")]
    read = []

    def watched(documents, n_vocab):
        read.extend(documents)
        return train(read, n_vocab)

    train = trained._TRAINERS["gpt2"]
    monkeypatch.setitem(trained._TRAINERS, "gpt2", watched)
    trained_tokenizer("gpt2", corpora, 300, tmp_path, documents=1)
    assert read == [next(corpus.documents()) for corpus in corpora]
