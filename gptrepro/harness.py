"""Our checkpoints in lm-evaluation-harness (``pip install gptrepro[harness]``), as the model ``gptrepro``.

``gptrepro eval harness`` runs its command with this model; in Python, importing this module registers it:

    import gptrepro.harness
    lm_eval.simple_evaluate(model="gptrepro", model_args={"checkpoint": "my-model"}, tasks=[...])

The harness's own ``hf`` reads a GPT-2 folder to the same figures. A GPT-1 folder it reads wrongly, without a
word: the words of ``transformers``' tokenizer are not GPT-1's, and its line ends are lost.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from gptrepro.errors import GptreproError

try:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import TemplateLM
    from lm_eval.api.registry import register_model
    from lm_eval.models.utils import normalize_gen_kwargs
    from lm_eval.utils import get_rolling_token_windows, make_disjoint_window
except ImportError as error:
    raise GptreproError(
        f"lm-evaluation-harness is missing or of another version ({error}): run "
        "`pip install gptrepro[harness]`."
    ) from error

from gptrepro.evaluate.prompted import Reader
from gptrepro.own_text import open_checkpoint
from gptrepro.tasks.prompted import Item

MOST_WRITTEN = 256
"""New tokens of a task that does not say how many, where the context has room for twice as many."""

BATCH = 64
"""Texts read together unless others are asked for."""
HARNESS_DEVICE = "cuda:0"
"""What its command asks for where the reader asks for nothing, on any machine."""


@register_model("gptrepro")
class HarnessModel(TemplateLM):  # type: ignore[misc]  # the harness has no types
    """A checkpoint, ours or a GPT folder of ``transformers``, as lm-evaluation-harness asks it.

    Args:
        checkpoint: what `open_checkpoint` opens.
        context: tokens that are read at once; by default as many as the model was trained on.
        batch_size: texts read together, which changes nothing else; ``auto``, and the 1 that the harness
            gives where the reader gives nothing, are 64.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        GptreproError: the checkpoint cannot be opened, or an argument is unknown.
    """

    def __init__(
        self,
        checkpoint: str | None = None,
        context: int | None = None,
        batch_size: int | str = "auto",
        max_batch_size: int | None = None,
        device: str | None = None,
        **unknown: Any,
    ) -> None:
        super().__init__()
        if checkpoint is None or unknown:
            wrong = f"has no {min(unknown)}" if unknown else "needs one"
            raise GptreproError(
                f"The model gptrepro {wrong}: give it checkpoint=FOLDER, or a name of the "
                "hub, and, where wanted, context=TOKENS."
            )
        place = "auto" if device is None or device == HARNESS_DEVICE else device
        self._opened = open_checkpoint(checkpoint, place)
        asked = str(batch_size)
        at_once = int(asked) if asked.isdecimal() and asked not in ("0", "1") else BATCH
        self._texts = self._opened.texts
        self._reader = Reader(self._opened.model, self._texts, self._opened.context(context), "left", at_once)

    @property
    def max_length(self) -> int:
        """The most tokens that are read at once."""
        return self._reader.context

    @property
    def eot_token_id(self) -> int:
        """What stands before a text: the end of the text before, or in GPT-1 of the line before."""
        if self._texts.end_of_text is None:
            raise GptreproError("This tokenizer has no token that starts a text: choose another checkpoint.")
        return self._texts.end_of_text

    @property
    def tokenizer_name(self) -> str:
        """What distinguishes this tokenizer's requests from those of others in the harness's cache."""
        return f"gptrepro-{self._opened.tokenizer.digest}"

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        """The ids of a text, to which nothing is added."""
        return self._opened.tokenizer.encode(string)

    def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """Byte-level ids as those of the harness's ``hf``; GPT-1's words of both parts, each by itself."""
        if self._opened.tokenizer.kind == "gpt2":
            before, after = super()._encode_pair(context, continuation)
        else:
            stem = context.rstrip()
            before, after = map(self.tok_encode, (stem, context[len(stem) :] + continuation))
        return before or [self.eot_token_id], after

    def _loglikelihood_tokens(
        self, requests: Sequence[tuple[tuple[str, str], list[int], list[int]]], **ignored: Any
    ) -> list[tuple[float, bool]]:
        if not requests:
            return []
        scores = self._reader.score_tokens([(before, after) for _, before, after in requests])
        found = [(score.log_likelihood, score.exact_match) for score in scores]
        for (texts, _, _), answer in zip(requests, found, strict=True):
            self.cache_hook.add_partial("loglikelihood", texts, answer)
        return found

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """The log-likelihood of whole texts, in nats, in windows as the harness cuts them."""
        totals = []
        for request in requests:
            (text,) = request.args
            windows = get_rolling_token_windows(
                self.tok_encode(text), self.eot_token_id, self.max_length, context_len=1
            )
            pairs = [make_disjoint_window(window) for window in windows]
            scores = self._reader.score_tokens(pairs) if pairs else []
            totals.append(sum(score.log_likelihood for score in scores))
            self.cache_hook.add_partial("loglikelihood_rolling", (text,), totals[-1])
        return totals

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """What is written after contexts, up to the texts that end an answer.

        Raises:
            GptreproError: a task asks for more new tokens than the context has room for.
        """
        written: dict[int, str] = {}
        groups: dict[str, list[int]] = {}
        for place, request in enumerate(requests):
            groups.setdefault(repr(request.args[1]), []).append(place)
        for places in groups.values():
            asked = normalize_gen_kwargs(requests[places[0]].args[1], min(MOST_WRITTEN, self.max_length // 2))
            answers = self._reader.write(
                [Item((requests[place].args[0],), ()) for place in places],
                asked["max_gen_toks"],
                [asked["until"]] if isinstance(asked["until"], str) else asked["until"],
                **{
                    name: asked[name] for name in ("temperature", "top_k", "top_p", "seed") if asked.get(name)
                },
            )
            written |= {place: answer.text for place, answer in zip(places, answers, strict=True)}
        for place, request in enumerate(requests):
            self.cache_hook.add_partial("generate_until", request.args, written[place])
        return [written[place] for place in range(len(requests))]


def run_harness(checkpoint: str, options: Sequence[str]) -> None:
    """The harness's own command ``lm_eval run`` on a checkpoint.

    Args:
        checkpoint: what `open_checkpoint` opens.
        options: further options of the harness, such as ``--tasks lambada_openai --limit 100``.

    Raises:
        GptreproError: the checkpoint cannot be opened.
        SystemExit: the harness does not know an option.
    """
    from lm_eval.__main__ import cli_evaluate

    model = ["--model", "gptrepro", "--model_args", json.dumps({"checkpoint": checkpoint})]
    given, sys.argv = sys.argv, ["lm_eval", "run", *model, *options]  # it reads no other
    try:
        cli_evaluate()
    finally:
        sys.argv = given
