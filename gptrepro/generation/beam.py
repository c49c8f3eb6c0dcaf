"""Beam search: follow the few likeliest continuations at once and return the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gptrepro.errors import GptreproError
from gptrepro.generation.cache import Continuation
from gptrepro.generation.sampling import stopped_at
from gptrepro.model.decoder import Decoder
from gptrepro.model.language_model import inference


@dataclass(frozen=True)
class Hypothesis:
    """A continuation and how likely the model finds it."""

    tokens: list[int]
    log_likelihood: float
    """Sum over the tokens, in nats, a stop sequence included."""

    def score(self, length_penalty: float) -> float:
        """Log-likelihood over ``((5 + length) / 6) ** length_penalty`` (Wu et al. 2016, equation 14)."""
        return self.log_likelihood / _penalty(len(self.tokens), length_penalty)


def _penalty(length: int, exponent: float) -> float:
    return float(((5 + length) / 6) ** exponent)


def beam_search(
    model: Decoder,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    *,
    n_beams: int = 4,
    length_penalty: float = 0.6,
    stop: Sequence[Sequence[int]] = (),
) -> list[list[int]]:
    """The best continuation found for each prompt. The defaults are GPT-3's (section 2.4).

    Args:
        prompts: token ids of each prompt, at least one each; lengths may differ.
        max_new_tokens: the most tokens to add to each.
        n_beams: unfinished continuations kept per prompt after each token.
        length_penalty: exponent of `Hypothesis.score`; 0 compares plain likelihoods and prefers short ones.
        stop: token sequences that finish a continuation.

    Returns:
        The new tokens of each prompt, without the stop sequence.

    Raises:
        GptreproError: a prompt or a setting makes no sense for this model.
    """
    if n_beams < 1 or length_penalty < 0 or max_new_tokens < 1:
        raise GptreproError("Beam search needs n_beams >= 1, length_penalty >= 0 and max_new_tokens >= 1.")
    n_vocab = model.config.n_vocab
    # Each beam can finish in at most len(stop) ways, so this many candidates leave n_beams unfinished ones.
    n_candidates = min(n_beams * (1 + len(stop)), n_beams * n_vocab)
    impossible = Hypothesis([], -float("inf"))  # fills the beams until there are enough continuations
    live = [[Hypothesis([], 0.0)] + [impossible] * (n_beams - 1) for _ in prompts]
    best = [impossible for _ in prompts]  # finished

    def finish(prompt: int, hypothesis: Hypothesis) -> None:
        best[prompt] = max(best[prompt], hypothesis, key=lambda found: found.score(length_penalty))

    def decided(beams: list[Hypothesis], found: Hypothesis) -> bool:
        # No beam can overtake: its likelihood only falls, and the longest length divides it the most.
        hope = max(beam.log_likelihood for beam in beams) / _penalty(max_new_tokens, length_penalty)
        return found.score(length_penalty) >= hope

    with inference(model):
        continuation = Continuation(model, prompts, max_new_tokens)
        device = continuation.logits.device
        rows = torch.arange(len(prompts), device=device).repeat_interleave(n_beams)
        continuation.reorder(rows)
        logits = continuation.logits[rows]  # (P * n_beams, n_vocab)
        for step in range(max_new_tokens):
            likelihoods = torch.tensor([[h.log_likelihood for h in beams] for beams in live])  # (P, n_beams)
            # (P * n_beams, n_vocab) -> (P, n_beams, n_vocab) -> (P, n_beams * n_vocab)
            totals = logits.float().log_softmax(-1).view(len(prompts), n_beams, n_vocab)
            totals = (totals + likelihoods.to(totals)[:, :, None]).flatten(1)
            values, places = (top.tolist() for top in totals.topk(n_candidates))
            rows_kept: list[int] = []
            for prompt, beams in enumerate(live):
                grown: list[Hypothesis] = []
                for value, place in zip(values[prompt], places[prompt], strict=True):
                    parent, token = divmod(place, n_vocab)
                    hypothesis = Hypothesis([*beams[parent].tokens, token], value)
                    if stopped_at(hypothesis.tokens, stop) is not None:
                        finish(prompt, hypothesis)
                    elif len(grown) < n_beams:
                        grown.append(hypothesis)
                        rows_kept.append(prompt * n_beams + parent)
                live[prompt] = grown
            if step == max_new_tokens - 1 or all(map(decided, live, best)):
                break
            continuation.reorder(torch.tensor(rows_kept, device=device))
            tokens = torch.tensor([h.tokens[-1] for beams in live for h in beams], device=device)
            logits = continuation.append(tokens)
    for prompt, beams in enumerate(live):
        for hypothesis in beams:
            finish(prompt, hypothesis)
    return [found.tokens[: stopped_at(found.tokens, stop)] for found in best]
