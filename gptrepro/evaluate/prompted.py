"""Questions put to a language model as text: how likely it finds each answer, or what it writes.

This is the one engine of zero- and few-shot evaluation. A `Reader` scores items (`gptrepro.tasks.prompted`),
`with_shots` puts examples before them, and `evaluate_task` sums up.

Context and target are encoded apart; white space at the end of a context goes to the target, where byte-level
BPE expects it. Only the target's tokens are scored, each given all the true tokens before it:

    context      "The cat sat on "      target   "the mat"
    ids read      The  _cat  _sat  _on  _the              (the last token is never read)
    predicted    (_cat)(_sat)(_on) _the  _mat             (in brackets: not scored)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from gptrepro.errors import GptreproError
from gptrepro.evaluate.likelihood import branches_nll, ends_nll
from gptrepro.evaluate.metrics import auc, exact_match, word_f1
from gptrepro.generation.writing import write
from gptrepro.model import Decoder
from gptrepro.model.language_model import LanguageModel, inference
from gptrepro.tasks.parts import hashed
from gptrepro.tasks.prompted import Item, Normalisation, PromptedTask
from gptrepro.text.order import random_words, shuffled
from gptrepro.tokenizer import TextWriter

Scores = NDArray[np.float64]
Pair = tuple[str, str]
"""A context and a target."""
T = TypeVar("T")

Overflow = Literal["refuse", "left"]
"""What becomes of an item that does not fit the context: an error, or it loses its beginning."""


class Paragraphs:
    """A tokenizer for texts that each begin a paragraph, as they do in training.

    A first word then has something before it, the end of the line before, although GPT-1's vocabulary has no
    token that ends a text. A text is encoded only once, however many models read it.

    Args:
        tokenizer: encodes the texts.
        line_end: its id of a line end.
    """

    def __init__(self, tokenizer: TextWriter, line_end: int) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}
        self._line_end = line_end

    @property
    def end_of_text(self) -> int:
        """The id that starts a text."""
        return self._line_end

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        if text not in self._known:
            self._known[text] = self._tokenizer.encode(text)
        return self._known[text]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""
        return self._tokenizer.decode(ids)

    def continuation(self, before: Sequence[int], new: Sequence[int]) -> str:
        """What new ids add to the text of those before them."""
        return self._tokenizer.continuation(before, new)

    def as_written(self, text: str) -> str:
        """A text in the form that decoding gives it."""
        return self._tokenizer.as_written(text)


class TextScore(NamedTuple):
    """How likely a target is after a context."""

    log_likelihood: float
    """In nats, summed over its tokens."""
    n_tokens: int
    """Tokens of the target."""
    exact_match: bool
    """Whether greedy decoding from the context would write exactly these tokens."""
    dropped: int
    """Tokens that the beginning of the context lost to fit."""


@dataclass(frozen=True)
class ItemScore:
    """What a model makes of an item."""

    texts: tuple[TextScore, ...]
    """One for each of `Item.alternatives`."""
    alone: tuple[float, ...] = ()
    """Log-likelihoods of the targets after the stem alone, where the item has one."""

    def values(self, normalisation: Normalisation) -> Scores:
        """What each alternative is judged by.

        Raises:
            GptreproError: it is judged by stem, and the item has none.
        """
        values: Scores = np.array([text.log_likelihood for text in self.texts])
        if normalisation == "token":
            values = values / np.array([text.n_tokens for text in self.texts])
        if normalisation == "stem":
            if not self.alone:
                raise GptreproError("An item without a stem cannot be judged by it: give the item a stem.")
            values = values - np.array(self.alone)
        return values

    @property
    def dropped(self) -> int:
        """The most tokens that a context lost."""
        return max(text.dropped for text in self.texts)


class Written(NamedTuple):
    """What a model wrote."""

    text: str
    dropped: int
    """Tokens that the beginning of the context lost to fit."""


class _Sequence(NamedTuple):
    ids: list[int]
    start: int
    """The first scored token."""
    dropped: int


@dataclass(frozen=True)
class Reader:
    """A language model that says how likely texts are, and writes them."""

    model: LanguageModel
    """Its mode and place are left as they are."""
    tokenizer: TextWriter
    context: int
    """The most tokens that the model reads at once."""
    overflow: Overflow = "refuse"
    batch_size: int = 64
    """Texts read together; it changes speed and nothing else."""
    share_beginnings: bool = False
    """Whether the text that the alternatives of an item begin with is read only once, which pays for long
    prompts; it changes speed and nothing else. A `Decoder` can; an LSTM reads all."""

    def fits(self, text: str) -> bool:
        """Whether the model can score all of a text at once."""
        return len(self.tokenizer.encode(text)) <= self.context

    def score(self, items: Sequence[Item]) -> list[ItemScore]:
        """Score the alternatives of each item, and its targets after its stem.

        An empty context is read as the token that starts a text; a target after an empty stem begins without
        its space.

        Raises:
            GptreproError: no items; a target without tokens or longer than the model's context; an empty
                context where no token starts a text; an item that does not fit and is not to lose its
                beginning.
        """
        if not items:
            raise GptreproError("There are no items to score.")
        asked: list[list[Pair]] = [
            [(item.stem, target if item.stem else target.lstrip()) for target in item.targets]
            if item.stem is not None
            else []
            for item in items
        ]
        sequences: dict[Pair, _Sequence] = {}  # a text that several items ask for is read once
        for number, (item, alone) in enumerate(zip(items, asked, strict=True), start=1):
            for pair in (*item.alternatives, *alone):
                if pair not in sequences:
                    sequences[pair] = self._sequence(*pair, number)
        groups = {item.alternatives for item in items} if self.share_beginnings else set()
        scores = self._scores(sequences, [list(group) for group in sorted(groups) if len(group) > 1])
        return [
            ItemScore(
                tuple(scores[pair] for pair in item.alternatives),
                tuple(scores[pair].log_likelihood for pair in alone),
            )
            for item, alone in zip(items, asked, strict=True)
        ]

    def score_tokens(self, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[TextScore]:
        """Score targets after contexts, both given as ids, as `score` does.

        Raises:
            GptreproError: a context or target is empty, or does not fit.
        """
        if not all(before and scored for before, scored in pairs):
            raise GptreproError("A context and a target need at least one token each.")
        names = [("", str(number)) for number in range(1, len(pairs) + 1)]  # in place of their texts
        fitted = {
            name: self._fitted(list(before), list(scored), int(name[1]))
            for name, (before, scored) in zip(names, pairs, strict=True)
        }
        scores = self._scores(fitted, [])
        return [scores[name] for name in names]

    def write(
        self, items: Sequence[Item], max_new_tokens: int, stop: Sequence[str] = (), **sampling: Any
    ) -> list[Written]:
        """What the model writes after each item's context, up to the first text of ``stop``.

        Greedily, unless ``sampling`` says otherwise (``temperature``, ``top_k``, ``top_p`` and ``seed``).

        Raises:
            GptreproError: the model is no `Decoder`, or a context is empty or does not fit.
        """
        if not isinstance(self.model, Decoder):
            raise GptreproError(f"{type(self.model).__name__} cannot write: use a decoder.")
        room = self.context - max_new_tokens
        if room < 1:
            raise GptreproError(
                f"{max_new_tokens} new tokens leave no room in the context of {self.context}: ask for fewer."
            )
        prompts = [self._before(item.contexts[0], n) for n, item in enumerate(items, start=1)]
        kept = [self._kept(prompt, room, n) for n, prompt in enumerate(prompts, start=1)]
        found: dict[int, str] = {}
        for chosen in self._batches(sorted(range(len(items)), key=lambda i: len(kept[i]))):
            before = [kept[i] for i in chosen]
            texts = write(self.model, self.tokenizer, before, max_new_tokens, stop=stop, **sampling)
            found |= zip(chosen, texts, strict=True)
        return [Written(found[i], len(prompts[i]) - len(kept[i])) for i in range(len(items))]

    def _before(self, context: str, number: int) -> list[int]:
        """The ids of a context without the white space at its end; at least one."""
        if ids := self.tokenizer.encode(context.rstrip()):
            return ids
        if self.tokenizer.end_of_text is None:
            raise GptreproError(
                f"Item {number} has an empty context, and this tokenizer has no token that starts a text: "
                "give it a context."
            )
        return [self.tokenizer.end_of_text]

    def _kept(self, before: list[int], room: int, number: int) -> list[int]:
        """The end of a context that fits."""
        if len(before) > room and self.overflow == "refuse":
            raise GptreproError(
                f"Item {number} has {len(before) - room} tokens more than the model's context of "
                f"{self.context} has room for: shorten it, show fewer examples, or let it lose its beginning."
            )
        return before[-room:]

    def _sequence(self, context: str, target: str, number: int) -> _Sequence:
        scored = self.tokenizer.encode(context[len(context.rstrip()) :] + target)
        if not scored:
            raise GptreproError(f"Item {number} has an empty target: give it a text.")
        return self._fitted(self._before(context, number), scored, number)

    def _fitted(self, before: list[int], scored: list[int], number: int) -> _Sequence:
        """A context, or its end, and the whole target."""
        if len(scored) > self.context:
            raise GptreproError(
                f"A target of item {number} has {len(scored)} tokens, more than the model's context of "
                f"{self.context}: shorten it."
            )
        kept = self._kept(before, self.context + 1 - len(scored), number)
        return _Sequence(kept + scored, len(kept), len(before) - len(kept))

    def _batches(self, ordered: list[T]) -> list[list[T]]:
        return [ordered[i : i + self.batch_size] for i in range(0, len(ordered), self.batch_size)]

    def _scores(self, sequences: dict[Pair, _Sequence], groups: list[list[Pair]]) -> dict[Pair, TextScore]:
        """The score of each text; those of a group, which begin alike, together."""
        grouped = {pair for group in groups for pair in group}
        others = sorted(sequences.keys() - grouped, key=lambda pair: (len(sequences[pair].ids), pair))
        plan = [*self._batches(others), *groups]
        found = []
        with inference(self.model):
            for pairs in plan:
                ids, starts, _ = zip(*(sequences[pair] for pair in pairs), strict=True)
                if isinstance(self.model, Decoder) and pairs[0] in grouped:
                    nll, greedy = branches_nll(self.model, ids, starts)
                else:
                    nll, greedy = ends_nll(self.model, ids, starts)
                found.append(torch.stack([nll.double().sum(1), greedy.all(1).double()], dim=1))
        rows = torch.cat(found).tolist()  # the one way back from the device
        scores = {}
        for pair, (nll, exact) in zip((pair for pairs in plan for pair in pairs), rows, strict=True):
            one = sequences[pair]
            scores[pair] = TextScore(-nll, len(one.ids) - one.start, bool(exact), one.dropped)
        return scores


def with_shots(
    items: Sequence[Item],
    pool: Sequence[Item],
    shots: int,
    seed: int,
    *,
    separator: str = "\n\n",
    description: str = "",
) -> list[Item]:
    """The items with examples before their contexts: GPT-3's few shots (section 2.4).

    Each item has examples of its own. Which, and in which order, depends on ``seed`` and the item alone, not
    on the others; it is never among its own.

    Args:
        items: to be asked.
        pool: where examples are drawn from; it may hold the items.
        shots: examples for each item.
        seed: of the draw.
        separator: stands between description, examples and question.
        description: comes first, where there is one.

    Raises:
        GptreproError: the pool has not so many examples.
    """
    return [
        Item(
            tuple(
                separator.join([*filter(None, [description]), *examples, context])
                for context in item.contexts
            ),
            item.targets,
            item.gold,
            item.stem,
        )
        for item in items
        for examples in [_drawn(item, pool, shots, seed)]
    ]


def _drawn(item: Item, pool: Sequence[Item], shots: int, seed: int) -> list[str]:
    if not shots:
        return []
    place = int.from_bytes(hashed("\0".join((*item.contexts, *item.targets)))[:8], "big")
    order = shuffled(random_words(seed, place, len(pool)))
    # Those that come first, whatever of them is the item itself.
    drawn = [other.shown for other in (pool[i] for i in order) if other != item][:shots]
    if len(drawn) < shots:
        raise GptreproError(f"There are only {len(drawn)} examples to show: ask for fewer than {shots}.")
    return drawn


@dataclass(frozen=True)
class TaskScore:
    """A model's score on a task."""

    score: float
    """The task's metric."""
    outcomes: list[float]
    """Of each item, where the score is their mean: 1 for right, 0 for wrong, or a part; none of a ranking."""
    dropped: list[int]
    """Tokens that the beginning of each item lost to fit."""


def evaluate_task(reader: Reader, task: PromptedTask, items: Sequence[Item]) -> TaskScore:
    """Put items of a task to a model.

    Raises:
        GptreproError: as `Reader.score` and `Reader.write`.
    """
    if task.shape == "written":
        compare = word_f1 if task.metric == "f1" else exact_match
        answers = reader.write(items, task.answer_tokens, task.stop)
        outcomes = [compare(one.text, item.targets) for one, item in zip(answers, items, strict=True)]
        return TaskScore(float(np.mean(outcomes)), outcomes, [one.dropped for one in answers])
    scores = reader.score(items)
    dropped = [one.dropped for one in scores]
    if task.metric == "auc":
        ranking = preferences(scores, task.normalisation)
        return TaskScore(auc([item.gold for item in items], ranking), [], dropped)
    outcomes = [float(one) for one in right_answers(items, scores, task.normalisation)]
    return TaskScore(float(np.mean(outcomes)), outcomes, dropped)


def right_answers(
    items: Sequence[Item], scores: Sequence[ItemScore], normalisation: Normalisation
) -> list[bool]:
    """Whether each item's best alternative is the right one; of a cloze, whether it would be written."""
    return [
        score.texts[0].exact_match
        if len(score.texts) == 1
        else int(score.values(normalisation).argmax()) == item.gold
        for item, score in zip(items, scores, strict=True)
    ]


def preferences(scores: Sequence[ItemScore], normalisation: Normalisation) -> Scores:
    """How much each item leans to label 1: the last alternative over the first, or the only value."""
    values = [score.values(normalisation) for score in scores]
    return np.array([one[-1] - one[0] if len(one) > 1 else one[0] for one in values])
