"""Writes datasets of morphology: a treebank's words or tokens with their values of paper 2's categories, as Parquet.

sentences.parquet   split, sent_id, text, first_word, words     one row a sentence, those of all splits, as in the treebank's dataset
words.parquet       sentence, form, start, end, lemma, constituents, and a column a category    one row a unit, in order
identity.json       what later rules depend on: what it is (`xlprobe.artifacts.dataset_identity`), counts, the sha256 of the tables

A unit is a token as it is written (`du`), as in the code of paper 2's authors, or a syntactic word (`de`, `le`). Paper 2 does not say
which. The authors' code leaves sentences of 512 subwords and more out; here they are encoded in windows, as everywhere.
A category that few units have stays in: who measures says how many it takes (paper 2: 100).
"""

import logging
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from xlprobe.artifacts import tables
from xlprobe.artifacts.categories import CATEGORIES
from xlprobe.artifacts.dataset_folder import read_sentences, read_table, read_written
from xlprobe.artifacts.dataset_identity import declaration, read_identity
from xlprobe.artifacts.dataset_kinds import MORPHOLOGY, TREEBANK
from xlprobe.datasets.unimorph import read_mapping, values_of_token, values_of_word
from xlprobe.errors import XlprobeError
from xlprobe.files import sha256, write_json

logger = logging.getLogger(__name__)

Units = Literal["tokens", "words"]
Romanisation = Literal["none", "pinyin", "hepburn"]
UNITS, ROMANISATIONS = get_args(Units), get_args(Romanisation)
# What a treebank writes for a lemma that it does not give.
NO_LEMMA = "_"


def write_morphology(
    treebank: Path, folder: Path, dataset: str, units: Units = "tokens", romanise: Romanisation = "none", spaced: bool = False
) -> None:
    """Write the morphology of a treebank's dataset.

    Args:
        treebank: the treebank's dataset (`xlprobe.datasets.treebank`).
        folder: where the dataset goes.
        units: tokens as they are written, in the text as it is written, or syntactic words, in the text that they make.
        romanise: write each unit in Latin letters, and the units apart; `none` leaves them as they are.
        spaced: write the units apart in any case. The authors of paper 2 split each unit into subwords by itself, which gives the same
            subwords: none of SentencePiece's reaches over a space.

    Raises:
        XlprobeError: the treebank's dataset is damaged, or another kind of dataset.
    """
    identity = read_identity(treebank)
    if identity["kind"] != TREEBANK:
        raise XlprobeError(f"{treebank / 'identity.json'}: is of kind {identity['kind']}, which has no features; name a treebank's dataset")
    sentences = read_sentences(treebank)
    unit_table = _units(read_table(treebank, "words"), units)
    if units == "tokens":
        sentences["text"] = read_written(treebank)
    texts = sentences["text"].tolist()
    places = zip(unit_table["sentence"], unit_table["start"], unit_table["end"], strict=True)
    unit_table.insert(1, "form", [texts[sentence][start:end] for sentence, start, end in places])
    of_sentences = unit_table["sentence"].value_counts().reindex(range(len(sentences)), fill_value=0)
    sentences["words"] = of_sentences
    sentences["first_word"] = of_sentences.cumsum() - of_sentences
    if romanise != "none":
        _romanise(unit_table, romanise)
    if romanise != "none" or spaced:
        _set_apart(sentences, unit_table)
    # Schemas are named in full: what a module names so is part of its identity.
    written = {"sentences": (sentences, "sentences.schema.yaml"), "words": (unit_table, "morphology_words.schema.yaml")}
    for name, (table, schema) in written.items():
        tables.write_table(table, schema, folder / f"{name}.parquet")
    counts = _counts(unit_table)
    if counts["lemmas_missing"]:
        missing = round(counts["lemmas_missing"] * counts["units"])
        logger.warning("%s: %d units (%.1f %%) have no lemma in the treebank", dataset, missing, 100 * counts["lemmas_missing"])
    write_json(
        folder / "identity.json",
        {
            **declaration(dataset, MORPHOLOGY, identity["languages"]),
            **counts,
            "sentences": len(sentences),
            "unit": units,
            "romanise": romanise,
            "spaced": spaced,
            "sha256": {name: sha256(folder / f"{name}.parquet") for name in written},
        },
    )


def _units(words: pd.DataFrame, units: Units) -> pd.DataFrame:
    """A row a unit: sentence, start, end, lemma, constituents, and a column a category, where what is missing is None."""
    mapping = read_mapping()
    # Words of the same labels have the same values; there are far fewer labels than words.
    labels = words[["upos", "feats"]].drop_duplicates()
    known = {(upos, feats): values_of_word(upos, feats, mapping) for upos, feats in labels.itertuples(index=False, name=None)}
    values = [known[label] for label in zip(words["upos"], words["feats"], strict=True)]
    rows: list[dict[str, Any]] = []
    last = None
    columns = ["sentence", "token", "start", "end", "token_start", "token_end", "lemma"]
    for own, (sentence, token, *places, lemma) in zip(values, words[columns].itertuples(index=False, name=None), strict=True):
        start, end = places[2:] if units == "tokens" else places[:2]
        if units == "tokens" and (sentence, token) == last:
            row = rows[-1]
            row["lemma"] += f" {lemma}"
            row["constituents"] += 1
            row["values"].append(own)
        else:
            rows.append({"sentence": sentence, "start": start, "end": end, "lemma": lemma, "constituents": 1, "values": [own]})
        last = sentence, token
    merged = [values_of_token(row.pop("values")) for row in rows]
    found = pd.DataFrame(rows, columns=["sentence", "start", "end", "lemma", "constituents"])
    for category in CATEGORIES:
        found[category] = pd.Series([of_unit.get(category) for of_unit in merged], dtype="str")
    return found


def _romanise(units: pd.DataFrame, system: Romanisation) -> None:
    """Write the units in Latin letters; what has none in the system stays as it is."""
    # Its libraries take long to load.
    from xlprobe.corpus.romanisation import romanise

    spelt = {form: romanise(form, system).strip() or form for form in units["form"].unique()}
    units["form"] = units["form"].map(spelt)


def _set_apart(sentences: pd.DataFrame, units: pd.DataFrame) -> None:
    """Write sentences anew, with a space between two units."""
    ends = (units["form"].str.len() + 1).groupby(units["sentence"]).cumsum() - 1
    units["start"], units["end"] = ends - units["form"].str.len(), ends
    sentences["text"] = units.groupby("sentence")["form"].agg(" ".join).reindex(range(len(sentences)), fill_value="")


def _counts(units: pd.DataFrame) -> dict[str, Any]:
    """What of the units a reader should know; paper 2's type-token ratio is unique lemmas / units (section 3.3)."""
    has_lemma = ~units["lemma"].str.split(" ").map(lambda lemmas: NO_LEMMA in lemmas)
    return {
        "units": len(units),
        "units_of_several_words": int((units["constituents"] > 1).sum()),
        "instances": {category: int(units[category].notna().sum()) for category in CATEGORIES},
        "values": {category: int(units[category].nunique()) for category in CATEGORIES},
        "unique_lemmas": int(units["lemma"][has_lemma].nunique()),
        "lemmas_missing": 1 - float(has_lemma.mean()),
    }
