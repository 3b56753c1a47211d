"""Universal Dependencies' features as values of UniMorph's categories, by the table `resources/unimorph.tsv`.

Paper 2 (B.1) takes its categories from UD 2.1 by the converter of McCarthy et al. 2018 (Marrying Universal Dependencies and
Universal Morphology). The table is ours, written from the two schemas (UD v2; Sylak-Glassman 2016), and held to the converter's
published output of UD 2.3, with which it agrees (`docs/unimorph.md`). As the code of paper 2's authors reads that output:

- a feature of several values (`Case=Acc,Dat`; UniMorph's `{ACC/DAT}`) gives none;
- language-specific values (LGSPEC), and categories other than paper 2's 17, are left out;
- parts of a value stand in alphabetical order (`ESS+IN` for the inessive), but for `PST+PRF`.

That output names a participle `V` and `V.PTCP` both, in an order that is chance; so of two values of one category that which
stands later in the table is taken: `V.PTCP`, and of aspect the feature Aspect's before Tense's.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from xlprobe.artifacts.categories import CATEGORIES
from xlprobe.errors import FormatError
from xlprobe.files import read_lines
from xlprobe.paths import RESOURCES

COLUMNS = ("ud", "unimorph", "category")
# Features of a possessor, of which UniMorph makes one value: PSS, the person, the number.
POSSESSOR = ("Number[psor]", "Person[psor]")


class Value(NamedTuple):
    """What a feature says in UniMorph: the category, the value, and the row of the table, of which a later one is taken first."""

    category: str
    value: str
    row: int


def read_mapping(path: Path = RESOURCES / "unimorph.tsv") -> dict[str, Value]:
    """The table: by `Feature=Value` (of a possessor, two with `|` between them; of the part of speech, `UPOS=NOUN`).

    Raises:
        FormatError: a line has other columns, an unknown category or an empty cell, or names features that a line before it named.
    """
    found: dict[str, Value] = {}
    for number, line in read_lines(path):
        cells = line.split("\t")
        if number == 1:
            if cells != [*COLUMNS]:
                raise FormatError(path, number, repr(line), f"the columns {', '.join(COLUMNS)}, separated by tabs")
            continue
        if len(cells) != len(COLUMNS) or not all(cells) or "=" not in cells[0]:
            raise FormatError(path, number, repr(line), "Feature=Value, UniMorph's value and its category, with tabs between them")
        feature, value, category = cells
        if category not in CATEGORIES:
            raise FormatError(path, number, f"category {category!r}", f"one of {', '.join(CATEGORIES)}")
        if feature in found:
            raise FormatError(path, number, f"{feature} a second time", "it once")
        found[feature] = Value(category, value, number)
    return found


def values_of_word(upos: str, feats: str, mapping: Mapping[str, Value]) -> dict[str, str]:
    """A word's value of each category that it has one of.

    Args:
        feats: as the treebank writes them: `Case=Nom|Number=Sing`, or `_`.
        mapping: by `read_mapping`.

    >>> values_of_word("NOUN", "Case=Ine|Number=Sing|Number[psor]=Plur|Person[psor]=1", read_mapping())
    {'part_of_speech': 'N', 'case': 'ESS+IN', 'number': 'SG', 'possession': 'PSS1P'}
    >>> values_of_word("VERB", "Case=Acc,Dat|Tense=Past|VerbForm=Part", read_mapping())
    {'part_of_speech': 'V.PTCP', 'tense': 'PST'}
    """
    features = [] if feats == "_" else feats.split("|")
    of_possessor = [feature for feature in features if feature.startswith(POSSESSOR) and feature != "Person[psor]=None"]
    others = [feature for feature in features if not feature.startswith(POSSESSOR)]
    taken: dict[str, Value] = {}
    for name in (f"UPOS={upos}", *others, "|".join(sorted(of_possessor))):
        found = mapping.get(name)
        if found and (found.category not in taken or found.row > taken[found.category].row):
            taken[found.category] = found
    return {category: found.value for category, found in taken.items()}


def values_of_token(words: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The values of a token, of those of the words that are written in it: of a category of which one word alone has a value.

    So it is in the code of paper 2's authors, where two words drop a category also if they agree: of German `zum` (`zu dem`)
    the case stays, and the part of speech does not, nor does Spanish `dámelo` keep its person.

    >>> values_of_token([{"part_of_speech": "ADP"}, {"part_of_speech": "DET", "case": "DAT"}])
    {'case': 'DAT'}
    """
    of_words = [*words]
    times = Counter(category for values in of_words for category in values)
    return {category: value for values in of_words for category, value in values.items() if times[category] == 1}
