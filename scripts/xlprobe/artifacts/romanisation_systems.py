"""Which system writes a language in Latin letters: of those whose writing is logographic (paper 2, 4.1)."""

from xlprobe.errors import XlprobeError

PINYIN, HEPBURN = "pinyin", "hepburn"
# By the language of a code, whatever its script: zh-Hans and zh-Hant are both written in pinyin.
SYSTEMS = {"zh": PINYIN, "ja": HEPBURN}


def system_of(language: str) -> str:
    """The system that a language is romanised by: `pinyin` or `hepburn`.

    Raises:
        XlprobeError: there is none.

    >>> system_of("zh-Hant"), system_of("ja")
    ('pinyin', 'hepburn')
    """
    system = SYSTEMS.get(language.partition("-")[0])
    if system is None:
        raise XlprobeError(f"no system romanises {language!r}; take it out, or name languages of {', '.join(SYSTEMS)}")
    return system
