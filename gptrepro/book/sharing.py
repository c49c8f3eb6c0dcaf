"""A Sphinx extension for who finds the book from outside: its address, a sitemap, previews of shared links.

The pages' address follows from the repository's, unless ``html_baseurl`` is set: GitHub serves the pages of
``https://github.com/OWNER/NAME`` at ``https://OWNER.github.io/NAME/``. Without an address nothing is written,
since sitemaps and previews need absolute ones.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

PREVIEW = "_static/preview.png"
"""The picture that goes with a shared link; ``tools/preview.py`` draws it."""

SETTINGS = {
    "sitemap_url_scheme": "{link}",
    "sitemap_excludes": ["genindex.html", "index.html", "search.html"],
    "ogp_image": PREVIEW,
    "ogp_image_alt": "GPT, reproduced: the triangle of causal attention beside the book's title",
    "ogp_social_cards": {"enable": False},
    "ogp_custom_meta_tags": ['<meta name="twitter:card" content="summary_large_image" />'],
}


def pages_address(repository: str) -> str:
    """Where GitHub serves the pages of ``repository``; empty for a repository elsewhere.

    >>> pages_address("https://github.com/Someone/book")
    'https://someone.github.io/book/'
    """
    match = re.fullmatch(r"https://github\.com/([\w-]+)/([\w.-]+?)(?:\.git)?/?", repository)
    return f"https://{match[1].lower()}.github.io/{match[2]}/" if match else ""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx, and what writes sitemap and previews where there is an address."""
    config = app.config
    address = config.html_baseurl or pages_address(config.html_theme_options.get("repository_url", ""))
    if address:
        app.setup_extension("sphinx_sitemap")
        app.setup_extension("sphinxext.opengraph")
        names = {"html_baseurl": address, "ogp_site_url": address, "ogp_site_name": config.html_title}
        for name, value in (names | SETTINGS).items():
            setattr(config, name, value)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
