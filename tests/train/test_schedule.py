"""Golden points of the papers' schedules."""

import pytest

from gptrepro.train.schedule import BatchRamp, LearningRate


def test_gpt1_pretraining_warms_up_over_2000_updates_and_anneals_to_zero() -> None:
    rate = LearningRate(peak=2.5e-4, warmup=2000, end=100_000, shape="cosine").at
    assert rate(0) == 0.0
    assert rate(500) == pytest.approx(0.625e-4)
    assert rate(2000) == pytest.approx(2.5e-4)
    assert rate(51_000) == pytest.approx(1.25e-4)  # half of the way down, by the symmetry of the cosine
    assert rate(26_500) == pytest.approx(2.5e-4 * (1 + 2**-0.5) / 2)  # a quarter of the way: cos(pi / 4)
    assert rate(100_000) == pytest.approx(0.0, abs=1e-12)


def test_gpt1_fine_tuning_decays_linearly_after_a_five_hundredth() -> None:
    rate = LearningRate(peak=6.25e-5, warmup=0.002 * 1000, end=1000, shape="linear").at
    assert rate(1) == pytest.approx(3.125e-5)
    assert rate(2) == pytest.approx(6.25e-5)
    assert rate(501) == pytest.approx(3.125e-5)
    assert rate(1000) == 0.0


def test_gpt3_schedule_counts_tokens_and_ends_on_a_floor() -> None:
    rate = LearningRate(peak=6e-4, warmup=375e6, end=260e9, shape="cosine", floor=0.1).at
    assert rate(187.5e6) == pytest.approx(3e-4)
    assert rate(375e6) == pytest.approx(6e-4)
    assert rate((375e6 + 260e9) / 2) == pytest.approx(0.55 * 6e-4)
    assert rate(260e9) == pytest.approx(6e-5)
    assert rate(300e9) == pytest.approx(6e-5)


def test_a_constant_rate_stays_after_the_warm_up() -> None:
    rate = LearningRate(peak=1.0, warmup=10, end=100, shape="constant", floor=0.5).at
    assert [rate(5), rate(10), rate(100), rate(1000)] == [0.5, 1.0, 1.0, 1.0]


def test_a_held_peak_falls_at_the_end_alone() -> None:
    rate = LearningRate(peak=1.0, warmup=10, end=100, shape="linear", hold=80, floor=0.1).at
    assert [rate(5), rate(10), rate(80)] == [0.5, 1.0, 1.0]
    assert [rate(90), rate(100)] == pytest.approx([0.55, 0.1])


def test_gpt3_batch_grows_from_32k_tokens_to_half_a_million() -> None:
    ramp = BatchRamp(start=16, full=256, tokens=4_000_000_000)  # sequences of 2,048: 32,768 to 524,288 tokens
    assert [ramp.at(0), ramp.at(2e9), ramp.at(4e9), ramp.at(300e9)] == [16, 136, 256, 256]
    sizes = [ramp.at(seen) for seen in range(0, 5_000_000_000, 50_000_000)]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("context", [1, 7, 64])
@pytest.mark.parametrize("tokens", [0, 1, 500, 9_999])
def test_updates_and_tokens_of_a_ramp_are_those_of_running_it(tokens: int, context: int) -> None:
    ramp = BatchRamp(start=2, full=9, tokens=3000)
    updates = seen = 0
    while seen < tokens:
        seen += ramp.at(seen) * context
        updates += 1
    assert ramp.updates_for(tokens, context) == updates
    assert ramp.tokens_of(updates, context) == seen
