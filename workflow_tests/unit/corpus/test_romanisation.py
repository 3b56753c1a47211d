import lzma

import pytest

from xlprobe.corpus.romanisation import JAPANESE, romanise, system_of
from xlprobe.errors import XlprobeError

# Of some the libraries know a reading.
RARE_IDEOGRAPHS = "\U00020000"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # As pypinyin's documentation has them: without tones, `v` for ü, what is not Chinese as it is.
        ("中心", "zhong xin"),
        ("你好abc", "ni hao abc"),
        ("战略", "zhan lve"),
        # A word decides how a character is read; of traditional ones fewer words are known.
        ("音乐和快乐", "yin yue he kuai le"),
        ("這是漢字", "zhe shi han zi"),
        ("2008年，我 去了Paris。", "2008 nian ， wo qu le Paris。"),
        ("", ""),
    ],
)
def test_chinese_is_written_in_pinyin(text, expected):
    assert romanise(text, "pinyin") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The example of pykakasi's documentation.
        ("かな漢字交じり文", "kana kanji majiri bun"),
        ("日本語", "nihongo"),
        ("iPhone 15を飲む。", "iPhone 15 wo nomu 。"),
        # Half-width kana, and a mark that stands apart from its kana.
        ("ﾃｽﾄ か\u3099", "tesuto ga"),
        ("人々 々", "hitobito 々"),
        # What the library drops, reads as something else, or repeats what comes before it for.
        ("ブラック＝ダレー", "burakku ＝ daree"),
        ("𠮷 한국 привет 😀 é １２", "𠮷 한국 привет 😀 é １２"),
    ],
)
def test_japanese_is_written_in_hepburn(text, expected):
    assert romanise(text, "hepburn") == expected


def test_languages_have_systems():
    assert [system_of(code) for code in ("zh-Hans", "zh-Hant", "zh", "ja")] == ["pinyin", "pinyin", "pinyin", "hepburn"]
    with pytest.raises(XlprobeError, match=r"^no system romanises 'ko'; take it out, or name languages of zh, ja$"):
        system_of("ko")
    with pytest.raises(XlprobeError, match=r"^system of romanisation: found 'kunrei', expected one of pinyin, hepburn$"):
        romanise("文", "kunrei")


@pytest.mark.parametrize(("name", "system"), [("zh", "pinyin"), ("ja", "hepburn")])
def test_real_text_keeps_what_is_not_written_otherwise(real_data, name, system):
    """Of all that is neither kana nor an ideograph, every character stays, and in its order."""
    with lzma.open(real_data / "cc100" / f"{name}.txt.xz", "rt", encoding="utf-8") as stream:
        lines = [line for line, _ in zip(stream, range(2000), strict=False)]
    written = [romanise(line, system) for line in lines]
    assert written == [romanise(line, system) for line in lines]
    for line, latin in zip(lines, written, strict=True):
        assert "  " not in latin and latin == latin.strip()
        others = [character for character in JAPANESE.sub("", line) if not character.isspace() and character < RARE_IDEOGRAPHS]
        kept = iter("".join(latin.split()))
        assert all(character in kept for character in others)
    left = sum(len(run) for latin in written for run in JAPANESE.findall(latin))
    assert left < 0.001 * sum(len(run) for line in lines for run in JAPANESE.findall(line))
