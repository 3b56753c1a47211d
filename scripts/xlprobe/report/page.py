"""RESULTS.md as a page of its own: the figures stand in it, so that it can be opened, sent, and shown by Snakemake's report."""

import base64
import html
import re
from pathlib import Path

from markdown_it import MarkdownIt

# The last three lines make room in Snakemake's report, which centres its front page and sets the rules' graph beside it.
STYLE = """
.results { max-width: 66rem; margin: 0 auto; padding: 1rem; font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; }
.results h1 { font-size: 1.7rem; } .results h2 { font-size: 1.25rem; margin: 2rem 0 0.5rem; border-bottom: 1px solid #ccc; }
.results h3 { font-size: 1rem; margin: 1.5rem 0 0.3rem; } .results img { max-width: 100%; height: auto; }
.results table { border-collapse: collapse; margin: 0.7rem 0; font-size: 0.85rem; display: block; overflow-x: auto; }
.results th, .results td { border-bottom: 1px solid #ddd; padding: 0.15rem 0.6rem; text-align: left; vertical-align: top; }
.results li { margin: 0.2rem 0; } .results ul { list-style: disc; padding-left: 1.3rem; } .results a { color: #0072B2; }
.results h3 + p + p { font-size: 0.85rem; color: #444; }
.prose:has(.results) { max-width: none; } .flex:has(> div > .prose .results) { flex-wrap: wrap; }
.h-screen:has(.results) { align-items: flex-start; }
"""
IMAGE = re.compile(r'<img src="([^":]+\.png)"')


def as_page(markdown: str, title: str, folder: Path) -> str:
    """A text in Markdown as HTML, with the images that it names inside. Tags in the text are shown, not obeyed.

    Args:
        folder: what the paths of images begin from.
    """
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)

    def inside(found: re.Match[str]) -> str:
        image = base64.b64encode((folder / html.unescape(found[1])).read_bytes()).decode()
        return f'<img src="data:image/png;base64,{image}"'

    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style></head>\n'
        f'<body><div class="results">\n{IMAGE.sub(inside, body)}</div></body></html>\n'
    )
