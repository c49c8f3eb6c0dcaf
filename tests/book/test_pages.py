"""The built book in a browser: complete, offline, fit for a phone, for the dark and for a screen reader."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from gptrepro.book import build_book, read_contents
from gptrepro.book.sharing import PREVIEW, pages_address

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
PAGES = [page.with_suffix(".html").as_posix() for page in read_contents(ROOT).pages]
NOTEBOOKS = [name.as_posix() for name in read_contents(ROOT).notebooks]
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

TYPESET = "() => [...document.querySelectorAll('.math')].every(e => e.querySelector('mjx-container'))"
"""Whether MathJax, which starts after the page has loaded, has set every formula."""

MAX_PAGE_BYTES = 1_500_000
"""What a page may weigh, its notebook's own pictures aside."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium; without one these tests are skipped, but fail where CI is set."""
    executable = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if executable is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs a Chromium: install the system's package")
        pytest.skip("no Chromium on this system")
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if as_root else []
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def html(browser: Browser) -> Path:
    """The folder of the book, built with warnings as errors; asking for a browser first saves the build.

    It shows the stored outputs, which tests/notebooks holds to what the code prints. It lies beside the
    reader's own build; a second run of the tests in this checkout waits until the first one has built it.
    """
    return build_book(
        ROOT, output=ROOT / "_build" / "stored", stored=True, strict=True, wait_seconds=300
    ).parent


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class QuietServer(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing about a window that closed before it had read everything."""


@pytest.fixture(scope="module")
def site(html: Path) -> Iterator[str]:
    """The address of the book on a local server."""
    handler = functools.partial(QuietHandler, directory=str(html))
    with QuietServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@dataclass
class Visit:
    """An open page and what happened while it loaded."""

    page: Page
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)


@contextlib.contextmanager
def window(browser: Browser, address: str, *, width: int = 1280, scheme: str = "light") -> Iterator[Visit]:
    """An address in a fresh window, once all is quiet."""
    with browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    ) as context:
        visit = Visit(context.new_page())
        page = visit.page
        page.on("console", lambda message: message.type == "error" and visit.problems.append(message.text))
        page.on("pageerror", lambda error: visit.problems.append(str(error)))
        page.on("request", lambda request: visit.requests.append(request.url))
        page.on("requestfailed", lambda request: visit.problems.append(f"failed: {request.url}"))
        page.on("response", lambda answer: answer.status >= 400 and visit.problems.append(answer.url))
        page.on("requestfinished", lambda request: visit.sizes.update({request.url: _body_bytes(request)}))
        page.goto(address)
        page.wait_for_function(TYPESET)
        page.wait_for_load_state("networkidle")
        yield visit


def _body_bytes(request) -> int:  # type: ignore[no-untyped-def]
    return request.sizes()["responseBodySize"] if request.url.startswith("http") else 0


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """A function that opens an address in a window of the test's own."""
    with contextlib.ExitStack() as windows:
        yield lambda address, **how: windows.enter_context(window(browser, address, **how))


@pytest.fixture(scope="module", params=PAGES)
def served(browser: Browser, site: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Each page of the book as a server gives it, in the light; several tests look at one window."""
    with window(browser, site + request.param) as seen:
        yield seen


@pytest.fixture(scope="module", params=PAGES)
def from_folder(browser: Browser, html: Path, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Each page as it opens from the folder of the book, in the dark."""
    # A window that is dark from the start has no colour on its way to another.
    with window(browser, (html / request.param).as_uri(), scheme="dark") as seen:
        yield seen


def test_page_is_complete_offline_and_light(served: Visit, site: str) -> None:
    assert served.problems == []
    assert [url for url in served.requests if not url.startswith((site, "data:"))] == []
    missing = "() => [...document.images].filter(i => !i.complete || i.naturalWidth === 0).map(i => i.src)"
    assert served.page.evaluate(missing) == []
    unnamed = """() => [...document.querySelectorAll('.bd-article img')].filter(
        i => !i.alt.trim() || /^(<|_images)|[.](png|svg)$/.test(i.alt)).map(i => i.src)"""
    assert served.page.evaluate(unnamed) == []
    assert served.page.locator("mjx-merror").count() == 0
    pictures = site + "_images/"
    assert sum(size for url, size in served.sizes.items() if not url.startswith(pictures)) < MAX_PAGE_BYTES


def test_page_works_from_a_folder(from_folder: Visit, html: Path) -> None:
    assert from_folder.problems == []
    assert [url for url in from_folder.requests if not url.startswith((html.as_uri(), "data:"))] == []


def test_page_fits_a_phone(served: Visit) -> None:
    page = served.page
    page.set_viewport_size({"width": 390, "height": 900})
    page.mouse.wheel(0, 100_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # What is wider scrolls in a box of its own, which the keyboard reaches.
    cut = """() => [...document.querySelectorAll('.bd-article *')].filter(e =>
        e.scrollWidth > e.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)
        && e.tabIndex < 0 && !e.querySelector('a, button, [tabindex]')).map(e => e.outerHTML.slice(0, 120))"""
    with contextlib.suppress(PlaywrightTimeout):  # the theme gives boxes their tab stops soon after a resize
        page.wait_for_function(f"({cut})().length === 0", timeout=5000)
    assert page.evaluate(cut) == []
    # Every verdict is on the screen, all of it, once its group is unfolded; and it comes before its claim.
    page.evaluate("document.querySelectorAll('details').forEach(folded => folded.open = true)")
    hidden = """() => [...document.querySelectorAll('.claim .verdict, .forest-verdict')].filter(word => {
        const box = word.getBoundingClientRect();
        return box.width === 0 || box.left < 0 || box.right > 390 || word.scrollWidth > word.clientWidth + 1;
    }).map(word => word.closest('[id]').id)"""
    assert page.evaluate(hidden) == []
    small = """() => { const scale = m => Math.hypot(m.a, m.b);
        return [...document.querySelectorAll('.bd-article svg :is(text, tspan)')].filter(word =>
        word.textContent.trim() && word.getScreenCTM() && word.getBoundingClientRect().width
        && parseFloat(getComputedStyle(word).fontSize) * scale(word.getScreenCTM()) < 10.95
        ).map(word => word.textContent); }"""
    assert page.evaluate(small) == []
    late = """() => [...document.querySelectorAll('.claim')].filter(card => card.querySelector('.verdict')
        .getBoundingClientRect().bottom > card.querySelector('.claim-says').getBoundingClientRect().top + 1
        ).map(card => card.id)"""
    assert page.evaluate(late) == []


SMALLEST_LETTERS = """() => Math.min(Infinity, ...[...document.querySelectorAll('.diagram svg text')].map(
    e => e.getAttribute('font-size') * e.ownerSVGElement.getScreenCTM().a))"""
"""The height of the smallest letters in the page's drawings, in pixels of the screen."""

CUT_CODE = """() => {
    document.querySelectorAll('details').forEach(folded => folded.open = true);
    return [...document.querySelectorAll(':is(.cell_input, .cell_output) pre')].filter(e =>
        e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).map(e => e.innerText.slice(0, 120)); }"""
"""Code and what it printed, also where it was folded."""


def test_drawings_can_be_read_and_code_is_not_cut(served: Visit) -> None:
    for width in (390, 1300):
        served.page.set_viewport_size({"width": width, "height": 900})
        assert served.page.evaluate(SMALLEST_LETTERS) >= 11
    assert served.page.evaluate(CUT_CODE) == []


FEWER_ALIKE = """() => {
    const seen = {};
    const isOften = kind => (seen[kind] = (seen[kind] ?? 0) + 1) > 3;
    for (const card of document.querySelectorAll('li.claim'))
        if (isOften(card.dataset.verdict)) card.remove();
    for (const table of document.querySelectorAll('table.dataframe'))
        for (const row of [...table.querySelectorAll('tbody tr')].slice(3)) row.remove();
    for (const word of document.querySelectorAll('.highlight span[class]'))
        if (isOften(word.className)) word.replaceWith(word.textContent);
}"""
"""Leaves three claims of each verdict, rows of each table and words of each colour in code: the others are
alike, and looking at all takes minutes."""


def serious_violations(page: Page, **options: object) -> list[object]:
    """What axe calls serious or critical in a page as wide as a laptop's window."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate(FEWER_ALIKE)
    page.wait_for_function("document.getAnimations().every(a => a.playState !== 'running')")
    found = Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    return [
        (entry["id"], [node["html"][:200] for node in entry["nodes"]])
        for entry in found
        if entry["impact"] in ("serious", "critical")
    ]


def test_page_is_accessible(served: Visit) -> None:
    assert served.page.evaluate("document.documentElement.dataset.theme") == "light"
    assert serious_violations(served.page) == []


def test_contrast_holds_in_the_dark(from_folder: Visit) -> None:
    assert from_folder.page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert serious_violations(from_folder.page, runOnly=["color-contrast"]) == []


def test_dark_mode_holds_across_pages(visit, site: str) -> None:
    page = visit(site + PAGES[0]).page
    brightness = """() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3)
        .map(Number).reduce((a, b) => a + b) / 3"""
    assert page.evaluate(brightness) > 200
    for _ in range(3):  # auto, light, dark
        if page.evaluate("document.documentElement.dataset.mode") != "dark":
            page.locator("button.theme-switch-button").first.click()
    assert page.evaluate(brightness) < 60
    page.goto(site + PAGES[1], wait_until="networkidle")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate(brightness) < 60


def test_icons_are_drawn(visit, site: str) -> None:
    page = visit(site + PAGES[1]).page
    drawn = page.locator("svg.svg-inline--fa:not(.fa-circle-question)")
    assert drawn.count() >= 4
    assert page.locator("i[class*='fa-']").count() == 0
    # An icon that the script lacks is shown as a question mark.
    assert page.locator("[data-icon='circle-question'], [data-icon='']").count() == 0


def test_search_finds_a_word(visit, site: str) -> None:
    page = visit(site + "search.html?q=perplexity").page
    results = page.locator("#search-results li a")
    results.first.wait_for()
    assert any("02-pretraining" in (link.get_attribute("href") or "") for link in results.all())


def test_scoreboard_filters_searches_and_orders(visit, site: str) -> None:
    page = visit(site + "notebooks/ledger/scoreboard.html").page
    cards = page.locator(".ledger li.claim")
    total = cards.count()
    count = page.locator(".ledger-count")
    assert count.inner_text() == f"{total} of {total} claims"

    def visible(attribute: str) -> list[str]:
        script = f"cards => cards.filter(card => card.offsetParent).map(card => card.dataset.{attribute})"
        return cards.evaluate_all(script)

    page.locator(".ledger-bar select[name=paper]").select_option(label="GPT-2")
    of_paper = visible("paper")
    assert 0 < len(of_paper) < total and set(of_paper) == {"gpt2"}
    page.locator(".ledger-bar select[name=verdict]").select_option("agrees")
    both = visible("verdict")
    assert 0 < len(both) < len(of_paper) and set(both) == {"agrees"}
    assert count.inner_text() == f"{len(both)} of {total} claims"

    page.locator(".ledger-bar select[name=paper]").select_option("")
    page.locator(".ledger-bar select[name=verdict]").select_option("")
    page.locator(".ledger-bar input[type=search]").fill("WEBTEXT tokens")
    texts = page.locator(".ledger li.claim:visible").all_text_contents()
    assert 0 < len(texts) < total
    assert all("webtext" in text.lower() and "tokens" in text.lower() for text in texts)
    page.locator(".ledger-bar input[type=search]").fill("")
    assert len(visible("paper")) == total

    papers = visible("paper")
    page.locator(".ledger-bar select[name=order]").select_option("verdict")
    assert visible("verdict") == sorted(visible("verdict"))
    page.locator(".ledger-bar select[name=order]").select_option("")
    assert visible("paper") == papers


def test_scoreboard_unfolds_evidence(visit, site: str) -> None:
    page = visit(site + "notebooks/ledger/scoreboard.html").page
    card = page.locator(".ledger li.claim").first
    assert "stated beforehand" not in card.inner_text()
    card.get_by_text("why").click()
    assert "stated beforehand" in card.inner_text()


def test_a_link_to_a_claim_shows_it(visit, site: str) -> None:
    address = site + "notebooks/ledger/scoreboard.html"
    last = visit(address).page.locator(".ledger li.claim").last.get_attribute("id")
    assert last
    row = visit(f"{address}#{last}").page.locator(f"[id='{last}']")
    assert row.evaluate(
        "row => row.getBoundingClientRect().top >= 0 && row.getBoundingClientRect().top < 900"
    )


def test_status_lists_every_notebook(visit, site: str) -> None:
    page = visit(site + "book/status.html").page
    links = page.locator(".bd-article table").nth(0).locator("a").all()
    listed = [link.get_attribute("href") for link in links]
    assert listed == [f"../{name.with_suffix('.html').as_posix()}" for name in read_contents(ROOT).notebooks]
    assert "not built" not in page.locator(".bd-article").inner_text()


def test_shared_links_have_a_preview_and_the_sitemap_names_every_page(html: Path) -> None:
    base = pages_address(read_contents(ROOT).repository or "")
    assert base
    sitemap = (html / "sitemap.xml").read_text(encoding="utf-8")
    for name in PAGES:
        assert f"<loc>{base}{name}</loc>" in sitemap
        page = (html / name).read_text(encoding="utf-8")
        for kind in ("og:title", "og:description", "og:image"):
            assert re.search(rf'<meta property="{kind}" content="[^"]{{5,}}"', page), f"{name}: {kind}"
    assert f'content="{base}{PREVIEW}"' in page
    assert (html / PREVIEW).is_file()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_opens_elsewhere_and_in_its_repository(html: Path, name: str) -> None:
    repository = (read_contents(ROOT).repository or "").removeprefix("https://github.com/")
    page = (html / name).with_suffix(".html").read_text(encoding="utf-8")
    for link in (
        f"https://colab.research.google.com/github/{repository}/blob/main/{name}",
        f"https://mybinder.org/v2/gh/{repository}/main?urlpath=lab/tree/{name}",
        f"https://github.com/{repository}",
        f"https://github.com/{repository}/issues/new",
    ):
        assert f'href="{link}' in page


def test_every_notebook_can_be_downloaded(html: Path) -> None:
    for name in read_contents(ROOT).notebooks:
        page = (html / name.with_suffix(".html")).read_text(encoding="utf-8")
        source = f"_sources/{name.as_posix()}"
        assert source in page
        cells = json.loads((html / source).read_text(encoding="utf-8"))["cells"]
        assert any("pip install" in "".join(cell["source"]) for cell in cells)
        assert "pip install --quiet" not in page  # for machines without the library, not for readers


def test_internal_links_lead_somewhere(html: Path) -> None:
    pages = [page for page in html.rglob("*.html") if "_static" not in page.parts]
    broken = [
        f"{page.relative_to(html)}: {link}"
        for page in pages
        for link in re.findall(r'(?:href|src)="([^"#?]+)', page.read_text(encoding="utf-8"))
        if not link.startswith(("http:", "https:", "mailto:", "data:")) and not (page.parent / link).exists()
    ]
    assert broken == []


def test_every_row_of_the_figure_of_verdicts_leads_to_a_card(html: Path) -> None:
    for name in ("book/index.html", "notebooks/gpt1/00-overview.html", "notebooks/ledger/scoreboard.html"):
        links = re.findall(r'class="forest-row[^>]*href="([^"#]+)#([^"]+)"', (html / name).read_text("utf-8"))
        assert links
        for page, anchor in links:
            target = ((html / name).parent / page).resolve()
            assert '<li class="claim' in target.read_text("utf-8")
            assert f'id="{anchor}"' in target.read_text("utf-8"), f"{name}: {page}#{anchor}"


def test_the_landing_page_says_what_came_out_before_anything_else(visit, site: str) -> None:
    page = visit(site + "book/index.html", width=1300).page
    for selector in ("a.start", "table.bars", ".finding >> nth=0", ".finding >> nth=2"):
        box = page.locator(selector).first.bounding_box()
        assert box and box["y"] + box["height"] < 1100, f"{selector} is not on the first screen"
    assert page.locator("a.start").count() == 1
