"""The morphosyntactic categories of paper 2, which are those of UniMorph's that Universal Dependencies' features give values of."""

CATEGORIES: dict[str, str] = {
    "animacy": "Animacy",
    "aspect": "Aspect",
    "case": "Case",
    "comparison": "Comparison",
    "definiteness": "Definiteness",
    "finiteness": "Finiteness",
    "gender": "Gender",
    "mood": "Mood",
    "number": "Number",
    "part_of_speech": "Part of Speech",
    "person": "Person",
    "polarity": "Polarity",
    "politeness": "Politeness",
    "possession": "Possession",
    "tense": "Tense",
    "valency": "Valency",
    "voice": "Voice",
}
"""By name, each category's title in paper 2's Table 3."""

ALL_WORDS = "part_of_speech"
"""The category that stands for all words: paper 2 says "all words" of those that have a part of speech."""
