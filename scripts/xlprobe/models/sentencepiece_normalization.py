"""What SentencePiece's normalisation does and Hugging Face's port of it does not."""

import sys
import unicodedata


def compositions() -> list[tuple[str, str]]:
    """Pairs of code points and the one they compose to, those first whose outcome composes again.

    SentencePiece composes wherever it stands; Hugging Face's port leaves a grapheme of 6 or more bytes apart (a Tamil
    consonant and its two-part vowel sign, an Arabic hamza under a vowel sign), so its tokenizer composes these first: pairs
    of 4 or more bytes in UTF-8, and those that begin one (a Vietnamese vowel with two marks).
    """
    pairs = [
        ("".join(chr(int(part, 16)) for part in parts), character)
        for character in map(chr, range(sys.maxunicode + 1))
        if len(parts := unicodedata.decomposition(character).split()) == 2
        and not parts[0].startswith("<")
        and unicodedata.is_normalized("NFC", character)
    ]
    found = [(apart, character) for apart, character in pairs if len(apart.encode()) >= 4]
    beginnings = {apart[0] for apart, _ in found}
    first = [(apart, character) for apart, character in pairs if len(apart.encode()) < 4 and character in beginnings]
    return first + found
