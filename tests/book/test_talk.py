"""The model in the page: PyTorch's logits, tokens and attention, fast enough, with scripts and without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser

from gptrepro.checkpoints.browser import as_in_page, write_for_page
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.storage import project_root
from gptrepro.talk import MODEL_SIZE
from gptrepro.tokenizer import train_byte_level_bpe
from tests.book.test_pages import browser  # noqa: F401 - a fixture

pytestmark = pytest.mark.browser

STATIC = project_root() / "book" / "_static"

TEXTS = (
    "The dog’s café — isn't   it?\n\n  42 dogs,  ",
    "",
    " \t\n x",
    "naïve 日本 \U0001f600 I'll <|endoftext|>",
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A small random model in the form of a page, its tokenizer, and the script."""
    torch.manual_seed(0)
    tokenizer = train_byte_level_bpe(["The dog isn't in the café, is it? The dogs are in it. " * 3], 300)
    config = DecoderConfig(
        n_vocab=tokenizer.n_vocab, n_ctx=32, n_layers=3, d_model=24, n_heads=3, norm="pre", init_std=0.3
    )
    model = Decoder(config).eval()
    place = tmp_path_factory.mktemp("model") / "model.js"
    write_for_page(place, model, tokenizer)
    return as_in_page(model), tokenizer, place


@pytest.fixture(scope="module")
def page(browser: Browser, written):  # noqa: F811
    with browser.new_context() as context:
        page = context.new_page()
        page.goto("about:blank")
        page.add_script_tag(path=STATIC / "gpt.js")
        page.add_script_tag(path=written[2])
        page.evaluate("() => { globalThis.gpt = new gptrepro.Gpt(gptreproModel); }")
        yield page


def test_its_tokens_are_ours(page, written):
    for text in TEXTS:
        ids = page.evaluate("text => gpt.tokenizer.encode(text)", text)
        assert ids == written[1].encode(text)
        assert page.evaluate("ids => gpt.tokenizer.decode(ids)", ids) == text


def test_its_logits_guesses_and_attention_are_pytorchs(page, written):
    model, tokenizer, _ = written
    ids = tokenizer.encode("The dogs are in the café, is it?")[:32]
    read = "ids => { gpt.read(ids); return [[...gpt.logits], [...gpt.guesses[1]()], gpt.shares.at(-1)]; }"
    logits, guess, shares = page.evaluate(read, ids)
    keep: list[torch.Tensor] = []
    with torch.no_grad():
        batch = torch.tensor([ids])
        torch.testing.assert_close(torch.tensor(logits), model(batch)[0, -1], atol=1e-4, rtol=1e-4)
        model.hidden(batch, keep)
        first = model.h[0](model.wte(batch) + model.wpe(torch.arange(len(ids))))
        torch.testing.assert_close(
            torch.tensor(guess), model.logits(model.ln_f(first))[0, -1], atol=1e-4, rtol=1e-4
        )
    for layer, qkv in enumerate(keep):
        q, k = qkv[0, -1, 0], qkv[0, :, 1]  # (H, d), (T, H, d)
        ours = (torch.einsum("hd,thd->ht", q, k) / q.shape[-1] ** 0.5).softmax(-1)
        torch.testing.assert_close(torch.tensor(shares[layer]), ours, atol=1e-4, rtol=1e-3)


def test_temperature_and_top_k_are_those_of_the_library(page):
    chances = "([t, k]) => gptrepro.candidates(new Float32Array([0, 2, 1, -1]), t, k)"
    assert [id for id, _ in page.evaluate(chances, [1, 3])] == [1, 2, 0]
    expected = (torch.tensor([2.0, 1.0]) / 0.5).softmax(-1)
    assert [share for _, share in page.evaluate(chances, [0.5, 2])] == pytest.approx(expected.tolist())
    assert page.evaluate(chances, [0, 2]) == [[1, 1], [2, 0]]


STORED = """<!doctype html><meta charset="utf-8"><title>Talk</title>
<div class="talk talk-stored"><figure data-read="0 tokens: none"><blockquote>abc</blockquote></figure>
<figure data-read="9 tokens: some"><blockquote>def</blockquote></figure></div>
<div class="talk talk-live" data-size="1 MB" data-prompt="The dog"><p>It wrote this.</p></div>
<script defer src="talk.js"></script><script defer src="talk.js"></script>"""


@pytest.fixture(scope="module")
def folder(written, tmp_path_factory) -> Path:
    """A page beside its scripts, as it lies in a folder."""
    folder = tmp_path_factory.mktemp("page")
    for name in ("gpt.js", "talk.js"):
        (folder / name).write_text((STATIC / name).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "model.js").write_bytes(written[2].read_bytes())
    (folder / "page.html").write_text(STORED, encoding="utf-8")
    return folder


def test_the_page_works_by_keyboard_from_a_folder_and_loads_the_model_when_asked(browser: Browser, folder):  # noqa: F811
    with browser.new_context() as context:
        page = context.new_page()
        problems, requests = [], []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto((folder / "page.html").as_uri())
        milestones = page.get_by_role("slider", name="How much has it read?")
        assert page.get_by_text("def").is_visible() and not page.get_by_text("abc").is_visible()
        milestones.press("ArrowLeft")
        assert page.get_by_text("abc").is_visible() and not page.get_by_text("def").is_visible()
        assert milestones.get_attribute("aria-valuetext") == "0 tokens: none"
        assert not any("model.js" in url for url in requests)

        page.get_by_role("button", name="Load the model (1 MB)").press("Enter")
        text = page.get_by_role("group", name="Text, token by token")
        text.wait_for()
        before = text.get_by_role("button").count()
        page.get_by_role("button", name="One token").press("Enter")
        assert text.get_by_role("button").count() == before + 1
        text.get_by_role("button").last.focus()
        page.keyboard.press("ArrowLeft")
        assert "looks at" in page.get_by_role("status").inner_text()
        page.get_by_role("slider", name="Temperature").fill("0")
        page.get_by_role("slider", name="Guess after layer").fill("0")
        assert page.get_by_role("list").get_by_role("listitem").first.inner_text().endswith("100%")
        page.get_by_role("button", name="Write 60 tokens").press("Enter")  # beyond the context of 32
        page.get_by_role("status").get_by_text("It wrote:").wait_for()
        assert problems == []


def test_without_scripts_every_stored_text_stands_there(browser: Browser, folder):  # noqa: F811
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((folder / "page.html").as_uri())
        for text in ("abc", "def", "It wrote this."):
            assert page.get_by_text(text).is_visible()


def test_the_models_file_is_small_and_writes_thirty_tokens_a_second(page):
    place = STATIC / "model.js"
    assert place.stat().st_size <= 2_500_000
    assert f"{place.stat().st_size / 1e6:.1f} MB" == MODEL_SIZE
    page.add_script_tag(path=place)
    took = page.evaluate("""() => {
        const gpt = new gptrepro.Gpt(gptreproModel), began = performance.now();
        for (let i = 0; i < 60; i++) gpt.append(i);
        return performance.now() - began;
    }""")
    assert took < 2000, json.dumps(took)
