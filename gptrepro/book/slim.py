"""A Sphinx extension that keeps pages small: icons, styles and spans that do something, MathJax for formulas.

The theme carries about 2,000 icons twice (1.5 MB as a script, and a font with its rules), of which a book
shows two dozen; its style sheets cover all of Bootstrap; every name and bracket of a program is a span of its
own, in the colour of the text around it; Sphinx loads MathJax on a page whose subpages have formulas.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

ICON = re.compile(r'"?([a-z0-9-]+)"?:\[\d+,\d+,\[([^\]]*)\],"[0-9a-f]+",(?:"[^"]*"|\[[^\]]*\])\],?')
"""One icon of the script: its name, then width, height, other names, code point and path."""

ICON_RULE = re.compile(r"(?:\.fa-[a-z0-9-]+::?before,?)+\{content:[^}]*\}")
"""One icon of the font; without these rules, a page that draws icons by script does not fetch the font."""

CODE_RULE = re.compile(r"(\S+) \.highlight(?: \.(\w+))? \{ ([^}]*?);? \}")
"""How code looks: a theme, the class of a word (none for all code), and its style."""

CODE = re.compile(r'(?<=<div class="highlight"><pre>).*?(?=</pre>)', re.DOTALL)
CODE_WORD = re.compile(r'<span class="(\w+)">([^<]*)</span>')

WORD = re.compile(r"[A-Za-z_][\w-]*")
"""What can be the name of a class, in a page or in a script that may set it."""


def used_icons(folder: Path) -> set[str]:
    """Icon names (``fa-name`` classes) in the built pages, the theme's scripts and ours."""
    files = [*folder.rglob("*.html"), *(folder / "_static").glob("*.js"), *_theme_scripts(folder)]
    return {name for file in files for name in re.findall(r"fa-([a-z0-9-]+)", file.read_text("utf-8"))}


def _theme_scripts(folder: Path) -> list[Path]:
    scripts = folder / "_static" / "scripts"
    return [path for path in scripts.glob("*.js") if path.name != "fontawesome.js"]


def keep_icons(script: str, names: set[str]) -> str:
    """The icon script with only the icons called ``names``, by their own or another name.

    Raises:
        ValueError: the script is not laid out as expected.
    """

    def keep(match: re.Match[str]) -> str:
        own = {match.group(1), *re.findall(r'"([^"]+)"', match.group(2))}
        return match.group() if own & names else ""

    kept, count = ICON.subn(keep, script)
    if count < 1000:
        raise ValueError(f"only {count} icons were recognised")
    return kept


def keep_rules(style: str, words: set[str]) -> str:
    """A style sheet without comments and without rules that need a class not among ``words``.

    A selector with brackets, quotes or escapes is not taken apart: its rule stays.
    """

    def keep(match: re.Match[str]) -> str:
        selectors = match.group(1)
        if re.search(r"[(\[\"\\]", selectors):
            return match.group()
        needed = [set(re.findall(r"\.([A-Za-z_][\w-]*)", selector)) for selector in selectors.split(",")]
        return match.group() if any(classes <= words for classes in needed) else ""

    style = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    return re.sub(r"([^{};]+)\{[^{}]*\}", keep, style)


def uncoloured(style: str) -> set[str]:
    """Classes of words of code that look like the code around them, in every theme of a style sheet."""
    rules = CODE_RULE.findall(style)
    plain = {
        (theme, colour.strip())
        for theme, name, look in rules
        if not name
        for colour in look.split(";")
        if colour.strip().startswith("color:")
    }
    own = {name for theme, name, look in rules if name and (theme, look) not in plain}
    return {name for _, name, _ in rules if name} - own


def without_spans(page: str, classes: set[str]) -> str:
    """A page whose words of code have no span of their own where their class is among ``classes``."""

    def bare(word: re.Match[str]) -> str:
        return word[2] if word[1] in classes else word[0]

    return CODE.sub(lambda code: CODE_WORD.sub(bare, code[0]), page)


def shrink(app: Sphinx, error: Exception | None) -> None:
    """Cut icons, style rules and spans that do nothing, and drop source maps, once the pages are written."""
    if error is not None or app.builder.format != "html":
        return
    output = Path(app.outdir)
    for path in output.rglob("*.map"):
        path.unlink()
    plain = uncoloured((output / "_static" / "pygments.css").read_text("utf-8"))
    for path in output.rglob("*.html"):
        path.write_text(without_spans(path.read_text("utf-8"), plain), "utf-8")
    texts = [path.read_text("utf-8") for path in (*output.rglob("*.html"), *output.rglob("*.js"))]
    words = {word for text in texts for word in WORD.findall(text)}
    for path in output.glob("_static/**/*.css"):
        path.write_text(keep_rules(ICON_RULE.sub("", path.read_text("utf-8")), words), "utf-8")
    icons = output / "_static" / "scripts" / "fontawesome.js"
    try:
        icons.write_text(keep_icons(icons.read_text("utf-8"), used_icons(output)), "utf-8")
    except (OSError, ValueError) as problem:
        logger.warning("the theme's icons could not be reduced: %s", problem)


def without_idle_mathjax(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Take MathJax off a page that has no formula itself."""
    if doctree is None or not any(doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block))):
        scripts = context["script_files"]
        scripts[:] = [script for script in scripts if "mathjax" not in str(script.filename)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("html-page-context", without_idle_mathjax, priority=900)  # after sphinx.ext.mathjax
    app.connect("build-finished", shrink, priority=900)  # after the theme has written the colours of code
    return {"parallel_read_safe": True, "parallel_write_safe": True}
