"""The morphosyntactic categories of paper 2 (Zhao et al. 2023), Table 3, in its order: UniMorph's, by name, with their titles."""

CATEGORIES = {
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
# The one that every word has.
ALL_WORDS = "part_of_speech"
