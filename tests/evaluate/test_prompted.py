"""The prompt engine: against one forward pass a token, against the code it replaced, and by its own rules."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gptrepro.errors import GptreproError
from gptrepro.evaluate.prompted import (
    ItemScore,
    Paragraphs,
    Reader,
    evaluate_task,
    preferences,
    right_answers,
    with_shots,
)
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.model.config import LSTMConfig
from gptrepro.model.lstm import LSTMLanguageModel
from gptrepro.tasks.prompted import BLANK, PROMPTED, Item, PromptedTask

N_CTX = 48
START = 127


class Letters:
    """A tokenizer of one token a letter, with or without a token that starts a text; it counts its work."""

    def __init__(self, end_of_text: int | None = START) -> None:
        self.end_of_text = end_of_text
        self.encoded: list[str] = []

    def encode(self, text: str) -> list[int]:
        self.encoded.append(text)
        return [ord(letter) for letter in text]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(map(chr, ids))

    def continuation(self, before: Sequence[int], new: Sequence[int]) -> str:
        return self.decode(new)

    def as_written(self, text: str) -> str:
        return text


class Frequencies(nn.Module):
    """A model that always predicts the same distribution, whatever came before."""

    def __init__(self, log_p: Tensor) -> None:
        super().__init__()
        self.log_p = nn.Parameter(log_p)

    def hidden(self, ids: Tensor) -> Tensor:
        return self.log_p.expand(*ids.shape, -1)

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden


def decoder() -> Decoder:
    torch.manual_seed(3)
    config = DecoderConfig(n_vocab=128, n_ctx=N_CTX, n_layers=1, d_model=16, n_heads=2, init_std=0.5)
    return Decoder(config).eval()


def lstm() -> LSTMLanguageModel:
    torch.manual_seed(3)
    return LSTMLanguageModel(LSTMConfig(128, N_CTX, d_model=16, d_hidden=24)).eval()


def reader(**changes: Any) -> Reader:
    return replace(Reader(decoder(), Letters(), N_CTX), **changes)


def log_p(before: str, text: str) -> list[float]:
    """Log-probability of each letter of ``text``, from one pass a letter."""
    model = decoder()
    read = [ord(letter) for letter in before] or [START]
    found = []
    for letter in text:
        logits = model(torch.tensor([read[-N_CTX:]]))[0, -1]
        found.append(float(logits.detach().log_softmax(-1)[ord(letter)]))
        read.append(ord(letter))
    return found


ITEMS = [
    Item(("we go",), (" to", " far away"), 1, stem="Answer:"),
    Item(("the cat", "a"), (" sat on it.",), 0, stem=""),
    Item(("",), ("abc",)),
    Item(("we go",), (" to",)),
    Item(("so it goes and goes",), (" x", " yy", " zzz"), 2, stem="A:"),
]


def test_each_alternative_scores_its_own_tokens_after_its_context() -> None:
    for item, score in zip(ITEMS, reader().score(ITEMS), strict=True):
        expected = [log_p(context, target) for context, target in item.alternatives]
        assert score.values("total") == pytest.approx([sum(one) for one in expected], rel=1e-4)
        assert score.values("token") == pytest.approx([np.mean(one) for one in expected], rel=1e-4)
        if item.stem is not None:  # after an empty stem a text begins without its space
            alone = [sum(log_p(item.stem, t if item.stem else t.lstrip())) for t in item.targets]
            by_stem = np.array([sum(one) for one in expected]) - np.array(alone)
            assert score.values("stem") == pytest.approx(by_stem, rel=1e-3, abs=1e-3)


def flat(scores: list[ItemScore]) -> list[float]:
    return [value for score in scores for value in (*score.values("total"), *score.alone)]


@pytest.mark.parametrize("changes", [{"batch_size": 1}, {"batch_size": 2}, {"share_beginnings": True}])
def test_scores_depend_neither_on_the_batch_nor_on_the_cache(changes: dict[str, Any]) -> None:
    assert flat(reader(**changes).score(ITEMS)) == pytest.approx(flat(reader().score(ITEMS)), rel=1e-4)
    backwards = reader(**changes).score(ITEMS[::-1])[::-1]
    assert flat(backwards) == pytest.approx(flat(reader().score(ITEMS)), rel=1e-4)


def test_a_shared_beginning_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, lengths = decoder(), []
    hidden = model.hidden
    monkeypatch.setattr(model, "hidden", lambda ids, *keep: lengths.append(ids.numel()) or hidden(ids, *keep))
    reader(model=model, share_beginnings=True).score([Item(("so it goes and goes",), (" x", " yy", " zz"))])
    assert lengths == [len("so it goes and goes")]


@pytest.mark.parametrize("model", [decoder(), lstm()], ids=["decoder", "lstm"])
def test_gpt1s_heuristics_score_what_they_did_before_there_was_an_engine(model: Any) -> None:
    """The values come from the heuristics' own code, which this engine replaced."""
    rows: dict[str, list[dict[str, Any]]] = {
        "gpt1-acceptability": [
            {"texts": (text,), "label": 0}
            for text in ("the cat sat", "a", "colourless green ideas sleep", "it is")
        ],
        "gpt1-questions": [
            {"texts": (text,), "label": 0, "answers": answers}
            for text, answers in (
                ("we go", ("to", "far away", "x")),
                ("so it was that in the end they said that we go", ("y", "the sea", "on")),
                ("why", ("because", "no", "it is so")),
            )
        ],
        "gpt1-referents": [
            {"texts": (text,), "label": 0, "answers": answers}
            for text, answers in (
                (f"it broke as {BLANK} was old.", ("ice", "the door")),
                (f"{BLANK}  is late, they said", ("Tom", "the train that we took")),
                (f"Ann asked Mary what time {BLANK} closes", ("the library", "she")),
            )
        ],
        "lambada-last-word": [
            {"text": text}
            for text in ("one two three", "a b", "so it goes and goes and goes until the very last word")
        ],
    }
    rows["gpt1-sentiment"] = rows["gpt1-acceptability"]
    known = json.loads(Path(__file__).with_name("gpt1_heuristics.json").read_text())
    known = known["decoder" if isinstance(model, Decoder) else "lstm"]
    asking = reader(model=model, tokenizer=Paragraphs(Letters(None), START), overflow="left")
    for name, of_task in rows.items():
        task = PROMPTED[name]
        scores = asking.score([task.made(row) for row in of_task])
        found = np.array([score.values(task.normalisation) for score in scores])
        assert found.squeeze() == pytest.approx(np.array(known[name]), abs=2e-5), name
        if f"{name}, corrected" in known:
            corrected = np.array([score.values("stem") for score in scores])
            assert corrected == pytest.approx(np.array(known[f"{name}, corrected"]), abs=2e-5), name


def test_the_correction_takes_away_the_advantage_of_short_and_of_frequent_words() -> None:
    """A model that knows nothing of the text prefers the shorter word, and of equally long ones the more
    frequent; corrected, it prefers none."""
    log_p = torch.zeros(128)
    log_p[ord("e")] = 3.0
    knows_nothing = reader(model=Frequencies(log_p.log_softmax(-1)))
    for targets in ((" aaaaaa", " aa"), (" aaa", " eee")):
        (score,) = knows_nothing.score([Item(("a film",), targets, stem="very")])
        assert score.values("total")[1] > score.values("total")[0]
        assert score.values("stem") == pytest.approx([0, 0], abs=1e-4)


def test_an_exact_match_is_what_greedy_decoding_writes() -> None:
    item = Item(("ab",), ("",))
    greedy = reader().write([item], max_new_tokens=5)[0].text
    other = greedy[:-1] + ("q" if greedy[-1] != "q" else "r")
    clozes = [Item(("ab",), (greedy,)), Item(("ab",), (other,))]
    assert right_answers(clozes, reader().score(clozes), "total") == [True, False]


def test_white_space_at_the_end_of_the_context_belongs_to_the_target() -> None:
    one, other = reader().score([Item(("the ",), ("cat",)), Item(("the",), (" cat",))])
    assert one == other and one.texts[0].n_tokens == 4


def test_an_item_that_does_not_fit_is_refused_or_loses_its_beginning_and_says_so() -> None:
    long, short = Item(("zzz" + "a" * 46,), ("klm",)), Item(("a" * 46,), ("klm",))
    with pytest.raises(GptreproError, match="Item 2 has 3 tokens more than the model's context"):
        reader().score([short, long])
    cut, whole = reader(overflow="left").score([long, short])
    assert (cut.dropped, whole.dropped) == (3, 0)
    assert cut.values("total") == pytest.approx(whole.values("total"))
    written = reader(overflow="left").write([long, Item(("a" * 40,), ("",))], max_new_tokens=8)
    assert [one.dropped for one in written] == [9, 0] and written[0].text == written[1].text


@pytest.mark.parametrize(
    ("items", "tokenizer", "message"),
    [
        ([], Letters(), "no items"),
        ([Item(("a",), ("b",)), Item(("a",), ("",))], Letters(), "Item 2 has an empty target"),
        ([Item(("a",), ("b" * 49,))], Letters(), "item 1 has 49 tokens"),
        ([Item(("",), ("b",))], Letters(None), "Item 1 has an empty context"),
    ],
)
def test_items_that_cannot_be_scored_are_named(items: list[Item], tokenizer: Letters, message: str) -> None:
    with pytest.raises(GptreproError, match=message):
        reader(tokenizer=tokenizer).score(items)


def test_an_item_without_a_stem_is_not_judged_by_it() -> None:
    with pytest.raises(GptreproError, match="without a stem"):
        reader().score([Item(("a",), ("b", "c"))])[0].values("stem")


def test_the_models_mode_is_left_alone() -> None:
    model = decoder().train()
    reader(model=model).score(ITEMS)
    assert model.training


def test_a_text_is_encoded_once_however_often_it_is_read() -> None:
    letters = Letters()
    texts = Paragraphs(letters, START)
    assert [texts.encode(text) for text in ("ab", "c", "ab")] == [[97, 98], [99], [97, 98]]
    assert letters.encoded == ["ab", "c"] and texts.end_of_text == START


POOL = [Item((f"{i} is",), (f" no {i}", f" so {i}"), i % 2, stem="A:") for i in range(30)]


def test_examples_with_their_right_answers_come_before_the_question() -> None:
    asked = Item(("what is", "who is"), (" it",), 1, stem="")
    (shown,) = with_shots([asked], POOL[:2], 2, seed=0, separator="|", description="Think.")
    first, second = POOL[:2] if "0 is" in shown.contexts[0].split("|")[1] else POOL[1::-1]
    prompt = f"Think.|{first.shown}|{second.shown}|"
    assert shown == Item((f"{prompt}what is", f"{prompt}who is"), (" it",), 1, stem="")
    assert {one.shown for one in POOL[:2]} == {"0 is no 0", "1 is so 1"}
    assert with_shots([asked], [], 0, seed=0) == [asked]


def test_each_item_draws_its_own_examples_whatever_stands_beside_it() -> None:
    together = with_shots(POOL, POOL, 4, seed=1)
    assert with_shots(POOL[::-1], POOL, 4, seed=1)[::-1] == together
    assert with_shots([POOL[7]], POOL, 4, seed=1) == [together[7]]
    assert with_shots(POOL, POOL, 4, seed=2) != together
    firsts = {shown.contexts[0].split("\n\n")[0] for shown in together}
    assert len(firsts) > 10  # not the same examples for all


def test_an_item_is_never_its_own_example() -> None:
    for item, shown in zip(POOL, with_shots(POOL, POOL, len(POOL) - 1, seed=0), strict=True):
        assert item.shown not in shown.contexts[0].split("\n\n")
    with pytest.raises(GptreproError, match="only 29 examples"):
        with_shots(POOL, POOL, len(POOL), seed=0)


TASK = PromptedTask(
    name="toy",
    version=1,
    protocol="The likelier is taken.",
    shape="choice",
    data="toy",
    item=lambda row: ITEMS[0],
    metric="accuracy",
    chance=0.5,
)


def test_a_score_is_the_mean_of_what_each_item_gave() -> None:
    items = [item for item in ITEMS if len(item.alternatives) > 1]
    found = evaluate_task(reader(), TASK, items)
    best = [score.values("total").argmax() for score in reader().score(items)]
    assert found.outcomes == [float(b == item.gold) for b, item in zip(best, items, strict=True)]
    assert found.score == np.mean(found.outcomes)
    assert found.dropped == [0] * len(items)


def test_a_ranking_has_a_score_and_no_outcomes() -> None:
    items = [replace(ITEMS[2], targets=(text,), gold=i % 2) for i, text in enumerate(("ab", "x", "the", "q"))]
    found = evaluate_task(reader(), replace(TASK, shape="cloze", metric="auc"), items)
    leaning = preferences(reader().score(items), "total")
    pairs = [leaning[i] < leaning[j] for i in (0, 2) for j in (1, 3)]
    assert found.score == np.mean(pairs) and found.outcomes == []


def test_a_written_answer_ends_at_a_stop_and_is_compared_with_every_reference() -> None:
    asked = Item(("ab",), ("",))
    whole = reader().write([asked, Item(("what is it",), ("",))], max_new_tokens=6)
    assert whole[0] == reader().write([asked], max_new_tokens=6)[0]  # alone as in a batch
    stop = whole[0].text[2]
    until = whole[0].text.split(stop)[0]
    assert reader().write([asked], 6, stop=[stop])[0].text == until
    task = replace(TASK, shape="written", metric="exact_match", answer_tokens=6, stop=())
    references = [replace(asked, targets=("nothing", whole[0].text)), replace(asked, targets=("nothing",))]
    assert evaluate_task(reader(), task, references).outcomes == [1.0, 0.0]


def test_an_lstm_cannot_write() -> None:
    with pytest.raises(GptreproError, match="LSTMLanguageModel cannot write"):
        reader(model=lstm()).write([Item(("ab",), ("",))], max_new_tokens=2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_model_on_a_gpu_gives_what_it_gives_on_the_cpu() -> None:
    for shared in (False, True):
        there = reader(model=decoder().cuda(), share_beginnings=shared)
        assert flat(there.score(ITEMS)) == pytest.approx(flat(reader().score(ITEMS)), rel=1e-3)
        assert there.write(ITEMS[:1], 4) == reader().write(ITEMS[:1], 4)
