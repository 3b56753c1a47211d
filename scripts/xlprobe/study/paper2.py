"""What of paper 2 (Zhao et al. 2023) a run can show: facts about the languages that it compares, and what analyses are told of them."""

import json
import math
from functools import cache
from typing import TYPE_CHECKING, Any

from xlprobe.study import inventory
from xlprobe.study.paper1 import PaperFigure, PaperTable, listed_rows
from xlprobe.study.resource_tables import language_facts as resource_column
from xlprobe.study.signatures import SignatureVariant

if TYPE_CHECKING:
    from xlprobe.study.plan import Study

# What is taken of signatures, and of languages by these: the tables of `metrics/` that claims are held against.
SIGNATURE_TABLES = (
    *("signatures", "signature_factors", "signature_spreads", "signature_standings", "signature_trends", "signature_correlations"),
    *("signature_variances", "language_distances", "language_trees", "language_groups", "variant_differences", "task_correlations"),
)
# "Ten languages from different language genera that have a diverse set of scripts" (5.2).
DIVERSE = ("ar", "zh-Hant", "en", "fi", "el", "hi", "id", "ru", "es", "tr")
# A genus of fewer is no related set (5.2: "since the size of those sets is very small").
FEWEST_RELATED = 3


@cache
def paper2_tables() -> dict[str, PaperTable]:
    """The tables of paper 2, by number, and one that it has not, A."""
    return {row.number: row for row in (PaperTable(*cells) for cells in listed_rows("paper2_tables"))}


@cache
def paper2_figures() -> dict[str, PaperFigure]:
    """The figures of paper 2 that show data, by number."""
    rows = (PaperFigure(f"{int(number):02}", kind, (), *others) for number, kind, *others in listed_rows("paper2_figures"))
    return {row.number: row for row in rows}


def language_facts(study: "Study") -> dict[str, dict[str, str]]:
    """Of each language that is compared: name, family and genus (WALS's, as Table 2), branch of the genus (E.1), and script.

    Of a world family and genus are the proto-language. What is not known is an empty text.
    """
    known = inventory.languages(study.config)
    codes = sorted({code for comparison in study.comparisons.values() for code in comparison.languages})
    invented = bool(study.config["world"])
    families, genera, branches = ({} if invented else resource_column(name) for name in ("wals_family", "genus", "branch"))
    return {
        code: {
            "name": known[code].name,
            "family": families.get(code, known[code].family),
            "genus": known[code].family if invented else genera.get(code, ""),
            "branch": branches.get(code, ""),
            "script": known[code].script,
        }
        for code in codes
    }


def language_sets(study: "Study") -> dict[str, Any]:
    """The sets whose variances are compared: "diverse" languages, and "related" ones by genus.

    Diverse are the paper's ten where all are compared, else the first of each genus; related, each genus of three or more. A language
    whose genus is not known is a genus of its own.
    """
    genera: dict[str, list[str]] = {}
    for code, facts in language_facts(study).items():
        genera.setdefault(facts["genus"] or code, []).append(code)
    compared = {code for codes in genera.values() for code in codes}
    diverse = sorted(DIVERSE) if compared.issuperset(DIVERSE) else sorted(codes[0] for codes in genera.values())
    return {"diverse": diverse, "related": {genus: codes for genus, codes in sorted(genera.items()) if len(codes) >= FEWEST_RELATED}}


def comparison_facts(study: "Study") -> dict[str, dict[str, Any]]:
    """Of each variant of signatures its languages, and in their order the texts and datasets (`xlprobe.metrics.signature_factors`).

    Texts are those that the multilingual model is pretrained on; where it is pretrained elsewhere, those of the monolingual ones.
    """
    found: dict[str, dict[str, Any]] = {}
    for comparison in study.comparisons.values():
        multilingual = study.runs[comparison.multilingual]
        here = multilingual.kind == "pretrain"
        of_code = {code: multilingual if here else study.runs[comparison.monolingual[code]] for code in comparison.languages}
        # Trainings with other seeds have the same.
        found[comparison.variant] = {
            "languages": comparison.languages,
            "texts": [study.texts.text_of(run.settings["text"], code) for code, run in of_code.items()],
            "text_of": "multilingual" if here else "monolingual",
            "datasets": [comparison.datasets[code].name for code in comparison.languages],
        }
    return found


def signature_facts(study: "Study") -> dict[str, Any]:
    """What scripts are told of comparisons, the first of which is the main one (`xlprobe.metrics.signature_tables.SignatureFacts`)."""
    # Trainings with other seeds compare the same languages.
    comparisons = {found.variant: found for found in reversed(study.comparisons.values())}
    main, variants = next(iter(study.comparisons.values())), [*dict.fromkeys(found.variant for found in study.comparisons.values())]
    pretrained = {name: run.settings for name, found in comparisons.items() if (run := study.runs[found.multilingual]).kind == "pretrain"}
    alphas = {name: settings["training"]["alpha"] for name, settings in pretrained.items()}
    resampled = [name for name in variants if name in alphas and alphas[name] < alphas.get(main.variant, 0)]
    # Those that differ in text, or are drawn more often, and in nothing else.
    script = {name: [code for code in found.languages if found.datasets[code].romanised] for name, found in comparisons.items()}
    alike = {name for name, alpha in alphas.items() if alpha <= alphas.get(main.variant, -1) and script[name] == script[main.variant]}
    named = {"model": main.multilingual, "control": main.monolingual[main.languages[0]]}
    if resampled:
        named["resampled"] = comparisons[resampled[0]].multilingual
    return {
        "main": main.variant,
        "variants": variants,
        "compared": main.languages,
        "romanised": {name: codes for name, codes in sorted(script.items()) if codes},
        "cut": {name: shares for name in sorted(alike) if (shares := _shares(study, comparisons[name]))},
        "resampled": resampled,
        "elsewhere": [name for name in variants if name not in pretrained] if main.variant in pretrained else [],
        "models": {name: study.runs[run].model for name, run in named.items()},
        "languages": language_facts(study),
        "categories": study.categories,
        "fewest": study.config["signatures"]["min_instances"],
        "world": bool(study.config["world"]),
    }


def _shares(study: "Study", found: SignatureVariant) -> dict[str, float]:
    """By language, the share of the main one's text that a comparison's multilingual model has; of languages that have a share of it."""
    main = next(iter(study.comparisons.values()))
    shares = {}
    for code in found.languages:
        lineages = [study.texts.lineage(study.texts.text_of(study.runs[one.multilingual].settings["text"], code)) for one in (found, main)]
        own, of_main = (math.prod(map(study.texts.share, {*one} - {*other})) for one, other in (lineages, reversed(lineages)))
        # But for rounding.
        if (share := round(own / of_main, 10)) < 1:
            shares[code] = share
    return shares


def signature_facts_argument(study: "Study") -> str:
    """The same, as a command line names it; blank where the run takes no signatures."""
    return as_json(signature_facts(study)) if study.comparisons else ""


def compared_texts(study: "Study") -> list[str]:
    """The texts of all variants, sorted."""
    return sorted({text for facts in comparison_facts(study).values() for text in facts["texts"]})


def as_json(facts: dict[str, Any]) -> str:
    """Facts as a command line names them."""
    return json.dumps(facts, sort_keys=True)
