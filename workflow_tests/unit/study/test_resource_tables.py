"""The tables of facts agree with each other, with what was published, and with the real data."""

import csv
import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from xlprobe.artifacts.splits import SPLITS, split_of_file
from xlprobe.datasets.bitexts import LAYOUTS
from xlprobe.errors import FormatError
from xlprobe.paths import PROJECT, RESOURCES
from xlprobe.study.catalogue import ALIGNMENT_FILES
from xlprobe.study.code_identity import reached_modules
from xlprobe.study.config_schema import schema
from xlprobe.study.resource_tables import _language_rows, alignments, cc100_sizes, languages, sources, treebanks

SIZES = {"K": 2**10, "M": 2**20, "G": 2**30}
PAPER_1_COLUMNS = {"bpc": "bpc", "ud": "ud", "pud": "ud_transfer", "xnli": "xnli"}
TASK_COLUMNS = {"BPC": "bpc", "POS": "pos", "Arc Pred.": "arc_prediction", "Arc Class.": "arc_classification", "XNLI": "xnli"}
XTREME_COLUMNS = {"XNLI": "xnli", "PAWS-X": "pawsx", "TyDiQA-GoldP": "tydiqa"}
SHIPPED = sorted(PROJECT.glob("config*.yaml")) + sorted((PROJECT / "config").rglob("*.yaml"))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert all(None not in row and None not in row.values() for row in rows), f"{path}: rows of unequal length"
    return rows


def published(name: str) -> list[dict[str, str]]:
    return table(RESOURCES / "published" / name)


LANGUAGES = table(RESOURCES / "languages.tsv")


def of_paper_1(task: str) -> list[str]:
    return [row["code"] for row in LANGUAGES if task in row["paper1"].split()]


def number(cell: str) -> float:
    return float(cell.rstrip("*"))


def test_the_papers_have_as_many_languages_as_they_say():
    assert {task: len(of_paper_1(task)) for task in PAPER_1_COLUMNS} == {"bpc": 94, "ud": 44, "pud": 18, "xnli": 15}
    assert sum(row["paper2"] == "yes" for row in LANGUAGES) == 33
    assert sum(bool(row["cc100_gib"]) for row in LANGUAGES) == 100 and sum(bool(row["cc100_bytes"]) for row in LANGUAGES) == 116


@pytest.mark.parametrize(("task", "column"), PAPER_1_COLUMNS.items())
def test_paper_1_languages_are_those_of_its_table_2(task, column):
    printed = Counter(row["language"] for row in published("paper1_table2.tsv") if row[column] == "1")
    assert Counter(code.removesuffix("-Hans").removesuffix("-Hant") for code in of_paper_1(task)) == printed


def test_paper_1_probes_one_treebank_a_language_and_transfers_to_all_parallel_ones():
    chosen = {row["code"]: row["treebank"] for row in LANGUAGES if row["treebank"]}
    assert list(chosen) == of_paper_1("ud")
    for code, name in chosen.items():
        assert treebanks()[name].language == code and treebanks()[name].splits == ("train", "dev", "test")
    assert all(bool(row["treebank"]) == bool(row["treebank_reason"]) for row in LANGUAGES)
    parallel = {treebank.language for treebank in treebanks().values() if treebank.parallel}
    assert set(of_paper_1("pud")) == set(of_paper_1("ud")) & parallel


def test_paper_1_pairs_for_alignment_are_there():
    printed = {row["language"] for row in published("paper1_table2.tsv") if row["simalign"] == "1"}
    assert printed <= {
        code for bitext in alignments().values() for code in (bitext.source, bitext.target) if "en" in (bitext.source, bitext.target)
    }


def test_paper_2_table_2_comes_out_as_printed():
    facts = {
        (row["name"].removesuffix(" (Traditional)"), row["code"].removesuffix("-Hant"), row["wals_family"], row["genus"])
        for row in LANGUAGES
        if row["paper2"]
    }
    assert facts == {tuple(row.values()) for row in published("paper2_table2.tsv")}


def test_paper_2_languages_have_text_and_a_treebank_of_release_2_1():
    for row in LANGUAGES:
        if row["paper2"]:
            assert row["conll2017"] and treebanks()[row["code"].removesuffix("-Hant")].release == "2.1", row["code"]
    archives = [row["conll2017"] for row in LANGUAGES if row["conll2017"]]
    assert len(set(archives)) == len(archives)


def test_treebanks_are_named_as_ud_names_them():
    for name, treebank in treebanks().items():
        code = treebank.language.partition("-")[0]
        if treebank.release:
            assert (treebank.release, name) == ("2.1", code) and re.fullmatch(r"UD_[A-Z][a-z]+", treebank.folder)
        else:
            language, _, title = treebank.folder.partition("-")
            assert re.fullmatch(r"UD_[A-Z][A-Za-z_]+", language) and name == f"{code}_{title.lower()}"
        assert treebank.splits == tuple(split for split in SPLITS if split in treebank.splits) and "test" in treebank.splits
        # Nothing of the code goes by the name; a set of your own may be of another group.
        assert (treebank.parallel == "pud") == name.endswith("_pud") and (treebank.test_only or not treebank.parallel)


def test_no_treebank_is_named_as_other_datasets_are():
    assert not [name for name in treebanks() if name.startswith(("align_", "xnli_"))]
    assert all(name.startswith("align_") for name in alignments())


def test_a_language_has_one_folder_name_and_a_romanised_one_its_script():
    names = {(treebank.language, re.split("[-]", treebank.folder)[0]) for treebank in treebanks().values()}
    assert len(names) == len({language for language, _ in names})
    for row in LANGUAGES:
        assert not row["romanised_from"] or (row["script"] == "Latin" and row["romanised_from"] in languages())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_configurations_name_what_exists(path):
    run = yaml.safe_load(path.read_text())
    if run.get("world") or "languages" not in run:
        return
    assert set(run["languages"]) | set(run.get("xnli", [])) <= set(languages())
    assert set(run["treebanks"]) <= set(treebanks()) and set(run.get("alignments", [])) <= set(alignments())


def test_the_papers_configurations_name_the_papers_languages():
    paper_1, paper_2 = (yaml.safe_load((PROJECT / "config" / name).read_text()) for name in ("paper.yaml", "signatures.yaml"))
    assert paper_1["languages"] == [row["code"] for row in LANGUAGES if row["cc100_gib"]]
    assert sorted(paper_1["xnli"]) == of_paper_1("xnli")
    assert sorted(paper_1["bpc"]["languages"]) == of_paper_1("bpc")
    probed = [row["treebank"] for row in LANGUAGES if row["treebank"]]
    assert sorted(paper_1["treebanks"]) == sorted(probed + [f"{code.removesuffix('-Hant')}_pud" for code in of_paper_1("pud")])
    assert paper_2["languages"] == [row["code"] for row in LANGUAGES if row["paper2"]]
    assert {treebanks()[name].language for name in paper_2["treebanks"]} == set(paper_2["languages"])
    assert paper_2["models"]["monolingual"]["one_for_each"] == paper_2["languages"]


def test_no_script_depends_on_the_tables_that_grow():
    readers_of_configurations = {PROJECT / "scripts" / name for name in ("list_sources.py", "check_configuration.py", "check_results.py")}
    for script in {*(PROJECT / "scripts").glob("*.py")} - readers_of_configurations:
        assert RESOURCES.parent / "scripts" / "xlprobe" / "study" / "resource_tables.py" not in reached_modules(script), script.name


def test_corpus_sizes_are_the_published_ones(real_data):
    sizes = {row["code"]: row for row in LANGUAGES}
    if not (real_data / "reference").is_dir():
        pytest.skip("XLPROBE_DATA has no folder reference: no published sizes to compare with")
    for row in table(real_data / "reference" / "cc100_statmt_sizes.tsv"):
        printed = float(row["compressed_size"][:-1]) * SIZES[row["compressed_size"][-1]]
        assert float(sizes[row["code"]]["cc100_bytes"]) == pytest.approx(printed, rel=0.005), row["code"]
    printed = table(real_data / "reference" / "cc100_conneau2020_table6.tsv")
    assert Counter(row["size_gib"] for row in printed) == Counter(row["cc100_gib"] for row in LANGUAGES if row["cc100_gib"])
    once = Counter(row["iso"] for row in printed)
    for row in printed:
        if once[row["iso"]] == 1:
            assert sizes[row["iso"]]["cc100_gib"] == row["size_gib"], row["iso"]


def test_the_printed_table_of_sizes_is_kept_as_it_is_and_corrected():
    sizes = cc100_sizes()
    assert len(sizes) == 100 and sizes["sv"] == {"as printed": 12.1, "corrected": 77.8} and sizes["uk"] == {"as printed": 84.6}
    chinese = {"traditional": 16.6, "simplified": 46.9, "sum": 63.5}
    assert sizes["zh-Hans"] == chinese | {"as printed": 46.9} and sizes["zh-Hant"] == chinese | {"as printed": 16.6}
    assert all(row["cc100_misprint"] for row in LANGUAGES if row["cc100_gib_corrected"])
    # Compressed text is never as large as the text: with the corrected sizes this holds of every corpus.
    larger = [row["code"] for row in LANGUAGES if row["cc100_gib"] and float(row["cc100_bytes"]) > float(row["cc100_gib"]) * 2**30]
    assert larger == ["sv"] and float({row["code"]: row for row in LANGUAGES}["sv"]["cc100_bytes"]) < 77.8 * 2**30


def test_distances_are_between_all_pairs_of_87_languages():
    rows = table(RESOURCES / "syntactic_distances.tsv")
    found = {row["lang1"] for row in rows} | {row["lang2"] for row in rows}
    assert len(found) == 87 and [(row["lang1"], row["lang2"]) for row in rows] == [*combinations(sorted(found), 2)]
    # Issue 17 names these: of UD hr la sr have none, of bits per character eo la mn sa hr sr.
    without = {task: {code for code in of_paper_1(task) if code.partition("-")[0] not in found} for task in ("ud", "bpc", "xnli")}
    assert without == {"ud": {"hr", "la", "sr"}, "bpc": {"eo", "hr", "la", "mn", "sa", "sr"}, "xnli": set()}
    degenerate = {code for row in rows for code in row["degenerate"].split()}
    assert degenerate == {"ar", "az", "fa", "ms", "om", "ps", "sd", "sk", "sq", "sw", "uz", "zh"}
    # That is what makes them so: to all others they are one language, 0.57 from English.
    distances = {frozenset((row["lang1"], row["lang2"])): row["syntactic_distance"] for row in rows}
    for other in found - degenerate:
        assert len({distances[frozenset((code, other))] for code in degenerate}) == 1
    assert {distances[frozenset(pair)] for pair in combinations(degenerate, 2)} == {"0.00"}
    for row in rows:
        assert row["degenerate"].split() == [code for code in (row["lang1"], row["lang2"]) if code in degenerate]


def test_distances_are_those_of_lang2vec(real_data):
    published = real_data / "factors" / "uriel_syntactic_lang2vec.tsv"
    if not published.is_file():
        pytest.skip("XLPROBE_DATA has no factors/uriel_syntactic_lang2vec.tsv: no distances to compare with")
    theirs = [(row["lang1"], row["lang2"], row["lang2vec_syntactic_distance"], row["degenerate_code"] == "1") for row in table(published)]
    ours = table(RESOURCES / "syntactic_distances.tsv")
    assert [(row["lang1"], row["lang2"], row["syntactic_distance"], row["degenerate"] != "") for row in ours] == theirs


def test_real_treebanks_have_the_splits_that_the_table_says(real_data):
    compared = Counter()
    for name, treebank in treebanks().items():
        folder = real_data / ("ud-2.1" if treebank.release else "ud") / treebank.folder
        found = {split_of_file(file) for file in folder.glob(f"{name}-ud-*")}
        if found:
            compared[treebank.release] += 1
            # The data folder's README: of release 2.1 it has dev and test, and train of some.
            assert found == set(treebank.splits) or (treebank.release and found == {"dev", "test"}), name
    assert compared[""] >= 53 and compared["2.1"] >= 29
    assert {folder.name for folder in (real_data / "ud").iterdir()} <= {treebank.folder for treebank in treebanks().values()}


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("paper1_claims.tsv", 137, 11),
        ("paper1_table1.tsv", 6, 5),
        ("paper1_table2.tsv", 94, 10),
        ("paper1_table2_printed.tsv", 3, 2),
        ("paper1_table3.tsv", 5, 4),
        ("paper1_table4.tsv", 9, 7),
        ("paper1_table5.tsv", 15, 6),
        ("paper2_appendix_a.tsv", 33, 2),
        ("paper2_claims.tsv", 79, 11),
        ("paper2_table1.tsv", 12, 9),
        ("paper2_table2.tsv", 33, 4),
        ("paper2_table3.tsv", 17, 2),
        *((f"paper2_table{number}.tsv", 13, 13) for number in (4, 5, 6, 7)),
    ],
)
def test_published_tables_are_whole(name, rows, columns):
    found = published(name)
    assert (len(found), len(found[0])) == (rows, columns)
    assert not re.search("[\u2010-\u2015\u2212\ufeff]", (RESOURCES / "published" / name).read_text(encoding="utf-8"))
    assert name in (RESOURCES / "published" / "README.md").read_text()


def test_every_published_file_is_described():
    described = set(re.findall(r"paper\w+\.tsv", (RESOURCES / "published" / "README.md").read_text()))
    assert described == {path.name for path in (RESOURCES / "published").glob("*.tsv")}


def test_paper_1_table_1_counts_what_table_2_lists():
    lists = {row["task"]: row["languages"].split() for row in published("paper1_table2_printed.tsv")}
    marks = published("paper1_table2.tsv")
    for task, column in (("BPC", "bpc"), ("UD", "ud"), ("XNLI", "xnli")):
        assert lists[task] == [row["language"] for row in marks if row[column] == "1"]
    counts = {row["task"]: row for row in published("paper1_table1.tsv")}
    assert int(counts["BPC"]["languages"]) == len(lists["BPC"]) and int(counts["XNLI"]["languages"]) == len(lists["XNLI"])
    for task in ("POS Tagging", "Dependency Arc Pred.", "Dependency Arc Class."):
        assert int(counts[task]["languages"]) == len(lists["UD"])
        assert int(counts[task]["sources"]) == int(counts[task]["targets"]) == sum(row["ud_transfer"] == "1" for row in marks)
    assert int(counts["SimAlign"]["targets"]) == sum(row["simalign"] == "1" for row in marks)


@pytest.mark.parametrize(("name", "setting"), [("paper1_table4.tsv", "in-language"), ("paper1_table5.tsv", "transfer")])
def test_paper_1_claims_repeat_its_correlation_tables(name, setting):
    claims = {row["statement"]: row["value"] for row in published("paper1_claims.tsv")}
    for row in published(name):
        printed = [f"{task} {row[column]}" for task, column in TASK_COLUMNS.items() if row.get(column)]
        assert claims[f"Spearman {row['factor']} × {row['variable']} ({setting})"] == "; ".join(printed)


def test_paper_1_claims_repeat_its_table_3():
    claims = {row["statement"]: row["value"] for row in published("paper1_claims.tsv")}
    for row in published("paper1_table3.tsv"):
        setting = {"In-lang": "In-language", "X-lang": "Cross-lingual"}[row["setting"]]
        assert claims[f"{setting} mean {row['task']}, XLM-R base vs replica final"] == f"{row['xlmr_base']} vs {row['xlmr_replica']}"


@pytest.mark.parametrize(("model", "layers"), [("mbert", 4), ("xlm", 5), ("xlmr", 6), ("mmte", 7)])
def test_paper_2_table_1_is_the_last_layer_of_tables_4_to_7(model, layers):
    *_, last = published(f"paper2_table{layers}.tsv")
    for row in published("paper2_table1.tsv"):
        column = f"{XTREME_COLUMNS.get(row['task'], row['task'].lower())}_{row['metric'].lower()}"
        assert row[model] == last[column], row["task"]


def test_paper_2_claims_repeat_its_table_1():
    claims = {
        row["statement"].partition(":")[0]: row for row in published("paper2_claims.tsv") if "Pearson final-layer" in row["statement"]
    }
    for task in dict.fromkeys(row["task"] for row in published("paper2_table1.tsv")):
        rows = [row for row in published("paper2_table1.tsv") if row["task"] == task]
        assert claims[task]["statement"].endswith(f"n={rows[0]['languages']}")
        for label, model in (("mBERT", "mbert"), ("XLM", "xlm"), ("XLM-R", "xlmr"), ("MMTE", "mmte")):
            values = [row[model].removeprefix("0") or "-" for row in rows]
            printed = "-" if set(values) == {"-"} else " / ".join(values)
            assert f"{label} {printed}" in claims[task]["value"].split("; "), task


def test_paper_2_lists_of_categories_disagree_for_11_languages():
    by_language = {row["code"]: set(row["categories"].split("; ")) for row in published("paper2_appendix_a.tsv")}
    by_category = {row["category"]: row["languages"].split() for row in published("paper2_table3.tsv")}
    assert set().union(*by_language.values()) == set(by_category) and by_category["Part of Speech"] == list(by_language)
    turned = {code: {category for category, codes in by_category.items() if code in codes} for code in by_language}
    different = [code for code in by_language if by_language[code] != turned[code]]
    assert sorted(different) == ["ar", "bg", "ca", "da", "es", "fr", "he", "hr", "hu", "it", "ro"]


def test_correlations_lie_between_minus_1_and_1():
    for name in ("paper1_table4.tsv", "paper1_table5.tsv", *(f"paper2_table{layers}.tsv" for layers in (4, 5, 6, 7))):
        for row in published(name):
            for column, cell in row.items():
                assert column in ("variable", "factor", "layer") or not cell or -1 <= number(cell) <= 1, (name, row)


TABLES = {"languages.tsv": languages, "treebanks.tsv": treebanks, "alignments.tsv": alignments, "sources.tsv": sources}
BULGARIAN = "bg_btb\tbg\tUD_Bulgarian-BTB\ttrain dev test\t\t\n"


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        ("treebanks.tsv", "\tbg\tUD_Bulgarian-BTB\t", " bg UD_Bulgarian-BTB ", ":7: found a row with more or fewer columns, expected 6 "),
        (
            "treebanks.tsv",
            BULGARIAN,
            BULGARIAN * 2,
            r":8: found treebank 'bg_btb' a second time, expected it once \(it stands in line 7, too\)",
        ),
        (
            "treebanks.tsv",
            "bg_btb\tbg\t",
            "bg_btb\tbgg\t",
            r":7: found language 'bgg', expected a code of .*languages.tsv; did you mean 'bg'",
        ),
        ("treebanks.tsv", "bg_btb\tbg\t", "\tbg\t", ":7: found treebank '', expected a name of letters"),
        ("treebanks.tsv", "bg_btb\tbg\t", "xnli_bg\tbg\t", ":7: found treebank 'xnli_bg', expected a name without align_ or xnli_"),
        (
            "treebanks.tsv",
            "BTB\ttrain dev test",
            "BTB\ttrain, test",
            ":7: found splits 'train, test', expected some of train dev test, sep",
        ),
        ("treebanks.tsv", "BTB\ttrain dev test", "BTB\ttrain dev", ":7: found splits 'train dev', expected .* test among them"),
        ("treebanks.tsv", "BTB\ttrain dev test", "BTB\ttest train", ":7: found splits 'test train', expected"),
        ("treebanks.tsv", "\tUD_Bulgarian-BTB\t", "\t../BTB\t", ":7: found folder '../BTB', expected a folder inside the data folder"),
        ("treebanks.tsv", "\tUD_Bulgarian-BTB\t", '\t"UD_Bulgarian-BTB"\t', ':7: found folder "UD_Bulgarian-BTB", expected no quotes'),
        ("treebanks.tsv", "\tUD_Bulgarian-BTB\t", "\tUD_Bulgarian-BTB \t", ":7: found folder 'UD_Bulgarian-BTB ', expected no spaces"),
        ("treebanks.tsv", BULGARIAN, BULGARIAN.replace("\t\t\n", "\tv2\t\n"), ":7: found release 'v2', expected a release's number"),
        ("treebanks.tsv", BULGARIAN, BULGARIAN.replace("\t\n", "\tmine\n"), ":7: found parallel 'mine', expected blank or, of a set with"),
        ("treebanks.tsv", "\ttest\t\tpud\n", "\ttest\t\tmy set\n", ":5: found parallel 'my set', expected blank or, .* name of its group"),
        ("treebanks.tsv", "\tsplits\t", "\tsplit\t", ":1: found a header without splits, expected the columns treebank, language"),
        ("treebanks.tsv", "\tsplits\trelease\t", "\tsplits\trelease\trelease\t", ":1: found the column 'release' twice, expected each of"),
        ("languages.tsv", "\nbg\t", "\nbe\t", r":8: found code 'be' a second time, expected it once \(it stands in line 7"),
        ("languages.tsv", "\tbn\t", "\tbnn\t", r":10: found romanised_from 'bnn', expected blank or a code; did you mean 'bn'"),
        ("languages.tsv", "\t320000000\t", "\t320 MB\t", ":2: found cc100_bytes '320 MB', expected a whole number or blank"),
        ("languages.tsv", "\t1.3\t", "\t1,3\t", r":2: found cc100_gib '1,3', expected GiB as a number \(12.1\), or blank"),
        ("languages.tsv", "\t77.8\t", "\t77.8 GiB\t", ":95: found cc100_gib_corrected '77.8 GiB', expected GiB as a number"),
        ("languages.tsv", "\tAfrikaans\t", "\t\t", ":2: found name '', expected the language's name"),
        ("alignments.tsv", "\tsimalign\t", "\tgiza\t", ":4: found layout 'giza', expected one of awesome, pharaoh, wpt, simalign"),
        ("alignments.tsv", "\tsimalign\t", "\tawesome\t", ":4: found files '.*', expected the files that layout awesome has, each once"),
        (
            "alignments.tsv",
            "align_en_cs\ten\tcs",
            "align_en_cs\ten\tcz",
            ":3: found target 'cz', expected a code of resources/languages.tsv; ",
        ),
        ("alignments.tsv", "align_en_cs\t", "align_de_en\t", ":3: found name 'align_de_en' a second time"),
        ("alignments.tsv", "align_en_cs\t", "encs\t", ":3: found name 'encs', expected a name with align_ before it"),
        ("sources.tsv", "\t684056893\t", "\t684,056,893\t", ":5: found bytes '684,056,893', expected a whole number, or blank"),
        ("sources.tsv", "\nud_2.5\t", "\nud_2.1\t", ":4: found name 'ud_2.1' a second time"),
        (
            "sources.tsv",
            "cc-100/{language}.txt.xz\t",
            "cc-100/{langauge}.txt.xz\t",
            ":2: found address '.*', expected no other {fields} than file",
        ),
        (
            "sources.tsv",
            "cc-100/{language}.txt.xz\t",
            "cc-100/{language.txt.xz\t",
            ":2: found address '.*', expected no other .* single brace",
        ),
        ("sources.tsv", "\thttps://data.statmt", "\tftp://data.statmt", ":2: found address 'ftp.*', expected an http"),
        ("sources.tsv", "\ttokenized\n", "\ttokenised\n", ":7: found text_form 'tokenised', expected raw, tokenized, both with a blank"),
        ("sources.tsv", "\traw tokenized\n", "\traw raw\n", ":6: found text_form 'raw raw', expected raw, tokenized, both with a blank"),
        ("sources.tsv", "446cc70f", "446CC70F", ":3: found sha256 '446CC.*', expected 64 hexadecimal digits, or blank"),
    ],
)
def test_a_faulty_row_ends_in_one_sentence(monkeypatch, tmp_path, table, old, new, message):
    faulty_tables(monkeypatch, tmp_path, table, lambda text: text.replace(old, new, 1))
    with pytest.raises(FormatError, match=rf"^resources/{table}({message})") as caught:
        TABLES[table].__wrapped__()
    assert "\n" not in str(caught.value)


def faulty_tables(monkeypatch, folder, table, change):
    """A copy of the tables, one of them changed, in place of the real ones."""
    for name in TABLES:
        text = (RESOURCES / name).read_text(encoding="utf-8")
        (folder / name).write_text(change(text) if name == table else text, encoding="utf-8")
        assert name != table or change(text) != text
    monkeypatch.setattr("xlprobe.study.resource_tables.RESOURCES", folder)
    monkeypatch.setattr("xlprobe.study.resource_tables._language_rows", _language_rows.__wrapped__)


def test_tables_may_come_from_other_systems_and_have_columns_for_people(monkeypatch, tmp_path):
    faulty_tables(monkeypatch, tmp_path, "treebanks.tsv", lambda text: "\ufeff" + text.replace("\n", '\t5 "o\'clock"\r\n') + "\r\n")
    assert treebanks.__wrapped__() == treebanks()
    (tmp_path / "sources.tsv").write_bytes((RESOURCES / "sources.tsv").read_bytes().replace(b"Common Crawl", b"Common Crawl\xe9", 1))
    with pytest.raises(FormatError, match=r"sources.tsv:2: found .*, expected UTF-8"):
        sources.__wrapped__()
    (tmp_path / "alignments.tsv").write_bytes(b"")
    with pytest.raises(FormatError, match=r"^resources/alignments.tsv:1: found a header without name, expected the columns name, source"):
        alignments.__wrapped__()


def test_the_layouts_that_a_table_may_name_are_those_that_are_read():
    assert {name: layout.files for name, layout in LAYOUTS.items()} == ALIGNMENT_FILES
    world = schema()["properties"]["world"]["properties"]
    assert set(world["alignment_layout"]["enum"]) == set(ALIGNMENT_FILES)
