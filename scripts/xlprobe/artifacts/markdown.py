"""Text in Markdown."""


def escaped(text: str) -> str:
    """A text on one line, without what Markdown would take for its own, such as the stars of a correlation."""
    return "".join(f"\\{character}" if character in r"\`*_[]<>|#" else character for character in " ".join(text.split()))
