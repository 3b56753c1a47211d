"""Chinese and Japanese text in Latin letters: pinyin without tone marks by pypinyin, Hepburn by pykakasi.

Paper 2 (footnote 4) names both libraries, and of the first `lazy_pinyin`; of the second it says romaji, which is Hepburn here.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache

from xlprobe.artifacts.romanisation_systems import HEPBURN, PINYIN, system_of
from xlprobe.errors import XlprobeError

__all__ = ["HEPBURN", "PINYIN", "romanise", "system_of"]

# Kana with their marks, and ideographs: whatever else stands in a text, pykakasi may drop, transliterate or repeat.
JAPANESE = re.compile(
    "[\u3005-\u3007\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f]+"
)
HALF_WIDTH = re.compile("[\uff66-\uff9f]")


def romanise(text: str, system: str) -> str:
    """A text in Latin letters: syllables (pinyin) or words (Hepburn), separated by single spaces.

    What is neither an ideograph nor kana stays as it is, punctuation of full width, too; so does an ideograph that the library
    does not know.

    Args:
        system: `pinyin` or `hepburn` (`system_of` says which).

    Raises:
        XlprobeError: there is no such system.
    """
    if system not in ROMANISERS:
        raise XlprobeError(f"system of romanisation: found {system!r}, expected one of {', '.join(ROMANISERS)}")
    return " ".join(" ".join(ROMANISERS[system](text)).split())


def _pinyin(text: str) -> Iterator[str]:
    from pypinyin import lazy_pinyin

    # What is between ideographs comes out as it went in.
    yield from lazy_pinyin(text)


def _hepburn(text: str) -> Iterator[str]:
    end = 0
    for run in JAPANESE.finditer(text):
        yield text[end : run.start()]
        yield from _hepburn_words(run[0])
        end = run.end()
    yield text[end:]


def _hepburn_words(run: str) -> Iterator[str]:
    """The words of a run of kana and ideographs."""
    words = _kakasi()(unicodedata.normalize("NFKC" if HALF_WIDTH.search(run) else "NFC", run))
    for word in words:
        written = word["hepburn"]
        # A sign that repeats the one before, on its own, is described in brackets.
        yield word["orig"] if not written.strip() or "(" in written else written


@cache
def _kakasi() -> Callable[[str], list[dict[str, str]]]:
    from pykakasi import kakasi

    return kakasi().convert  # type: ignore[no-untyped-call]


ROMANISERS: dict[str, Callable[[str], Iterator[str]]] = {PINYIN: _pinyin, HEPBURN: _hepburn}
