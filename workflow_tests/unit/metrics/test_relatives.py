"""Relatives and strangers by planted signatures: whose cosines are known."""

import re
import subprocess
import sys
from itertools import product

import numpy as np
import pandas as pd
import pytest

from xlprobe.artifacts.signature_file import SignaturePlace, Signatures, write_signatures
from xlprobe.artifacts.tables import write_rows
from xlprobe.errors import XlprobeError
from xlprobe.files import write_text
from xlprobe.metrics.relatives import (
    DIFFERENT,
    GAUGED,
    MOST_RUNS,
    PUBLISHED,
    SAME,
    Relation,
    arrangements,
    compare_relatives,
    compare_run,
    read_relations,
    sign_flip_p,
    write_relatives,
)
from xlprobe.paths import PROJECT

# Two families, with the scripts across them.
RELATIONS = {
    "qaa": Relation("arvic", "latin"),
    "qab": Relation("arvic", "latin"),
    "qac": Relation("arvic", "greek"),
    "qba": Relation("kettic", "greek"),
    "qbb": Relation("kettic", "greek"),
    "qbc": Relation("kettic", "latin"),
}
RIGHT = {"arvic": [1.0, 0.0], "kettic": [0.0, 1.0]}
LAYERS, FITS, SCALES = [0, 1, 2], ["per_layer", "over_layers"], ["raw", "standardised"]


def by_family(vectors, relations=RELATIONS):
    return np.array([vectors[relation.family] for relation in relations.values()])


def by_script(relations=RELATIONS):
    return np.array([[1.0, 0.0] if relation.script == "latin" else [0.0, 1.0] for relation in relations.values()])


def write_run(folder, signatures, seed=1, relations=RELATIONS, steps=(5, 10), layers=LAYERS, world=None):
    """A finished run: `signatures` says the vectors of a place, published and gauged."""
    rows = []
    for step in steps:
        vectors = f"signatures/main/{step}/part_of_speech.h5"
        places = [SignaturePlace(fit, scale, layer, step) for fit, scale, layer in product(FITS, SCALES, layers)]
        found = {place: Signatures([*relations], *signatures(place), facts={}) for place in places}
        write_signatures(folder / vectors, "main", "part_of_speech", found)
        for place, code in product(places, relations):
            said = {"variant": "main", "model": "xlmr", "monolingual": f"mono_{code}", "monolingual_step": 3, "language": code}
            said |= {"dataset": f"morph_{code}", "category": "part_of_speech", "instances": 100, "solver": "xlprobe", "vectors": vectors}
            rows.append(said | place._asdict())
    # One without a value has no vectors.
    rows.append(rows[-1] | {"category": "case", "vectors": None, "reason": "no instances"})
    write_rows(rows, "signatures.schema.yaml", folder / "metrics" / "signatures.parquet")
    known = relations if world is None else world
    lines = ["code\tname\tfamily\tscript\tcorpus_bytes", *(f"{code}\tX\t{r.family}\t{r.script}\t5" for code, r in known.items())]
    write_text(folder / "sources" / "factors" / "languages.tsv", "\n".join(lines) + "\n")
    write_text(folder / "sources" / f"world.{seed:012x}.json", "{}")
    return folder


def compare(tmp_path, folders):
    return write_relatives(folders, tmp_path / "runs.csv", tmp_path / "over_runs.csv")


def right(place):
    return by_family(RIGHT), by_family(RIGHT)


def test_means_are_over_the_pairs_of_each_kind():
    """By hand: languages at angles of 0, 60, 90, 90, 60 and 0 degrees."""
    angles = np.radians([0, 60, 90, 90, 60, 0])
    same, different = compare_relatives(
        np.stack([np.cos(angles), np.sin(angles)], axis=1) * [[1], [2], [3], [4], [5], [6]], [*RELATIONS.values()]
    )
    half, root = 0.5, np.sqrt(3) / 2
    # qaa-qab, qba-qbb; qaa-qbc, qab-qbc, qac-qba, qac-qbb.
    np.testing.assert_allclose([same["related"], same["strangers"]], [(half + root) / 2, (1 + half + 1 + root) / 4])
    # qaa-qac, qab-qac, qba-qbc, qbb-qbc; qaa-qba, qaa-qbb, qab-qba, qab-qbb, qac-qbc.
    np.testing.assert_allclose([different["related"], different["strangers"]], [(0 + root + 0 + half) / 4, (0 + half + root + 1 + 0) / 5])
    assert [row["scripts"] for row in (same, different)] == [SAME, DIFFERENT]
    assert [(row["related_pairs"], row["stranger_pairs"]) for row in (same, different)] == [(2, 4), (4, 5)]


def test_signatures_of_families_are_told_apart_in_both_kinds_of_pairs():
    for row in compare_relatives(by_family(RIGHT), [*RELATIONS.values()]):
        assert (row["related"], row["strangers"], row["difference"]) == (1, 0, 1)
        assert row["arrangements"] == 9 and row["p"] == pytest.approx(1 / 9)


def test_signatures_of_scripts_tell_no_relatives():
    """All pairs of a script are alike: nothing is left of it where pairs of the same and of different scripts stand apart."""
    for row in compare_relatives(by_script(), [*RELATIONS.values()]):
        assert row["difference"] == 0 and row["p"] == 1


def test_families_are_dealt_out_within_scripts():
    dealt = arrangements([*RELATIONS.values()])
    scripts = [relation.script for relation in RELATIONS.values()]
    assert len({tuple(one) for one in dealt}) == len(dealt) == 9 and [*RELATIONS.values()] in dealt
    for one in dealt:
        assert [relation.script for relation in one] == scripts
        latin = sorted(relation.family for relation in one if relation.script == "latin")
        greek = sorted(relation.family for relation in one if relation.script == "greek")
        assert (latin, greek) == (["arvic", "arvic", "kettic"], ["arvic", "kettic", "kettic"])


def test_a_vector_of_nothing_has_no_cosine():
    vectors = by_family(RIGHT)
    vectors[0] = 0
    for row in compare_relatives(vectors, [*RELATIONS.values()]):
        assert np.isnan([row["related"], row["difference"], row["p"]]).all()


def test_signs_are_turned_in_all_ways():
    assert sign_flip_p(np.array([1.0, 2.0, 3.0])) == 1 / 8
    # Of the eight means, 0, 2/3, 4/3 and 2 are as high as 0: these, and (1, -2, ..) with -0 once more.
    assert sign_flip_p(np.array([1.0, 2.0, -3.0])) == 5 / 8
    assert np.isnan(sign_flip_p(np.array([1.0, np.nan])))


def test_the_middle_layer_of_the_last_step_decides(tmp_path):
    """All other places show scripts."""

    def signatures(place):
        return (by_family(RIGHT) if place == SignaturePlace("per_layer", "raw", 1, 10) else by_script()), by_script()

    report = compare(tmp_path, [write_run(tmp_path / f"run_{seed}", signatures, seed) for seed in (1, 2, 3)])
    primary = report.over_runs[report.over_runs["primary"]]
    assert report.holds and primary["scripts"].to_list() == [SAME, DIFFERENT]
    assert primary[["difference", "above", "runs", "p"]].to_numpy().tolist() == [[1, 3, 3, 0.125]] * 2
    assert (report.over_runs.loc[~report.over_runs["primary"], "above"] == 0).all()
    # Steps, layers, fits, scales, published and gauged, scripts.
    assert len(report.over_runs) == 2 * 3 * 2 * 2 * 2 * 2 and len(report.runs) == 3 * len(report.over_runs)
    np.testing.assert_allclose(pd.read_csv(tmp_path / "runs.csv")["difference"], report.runs["difference"])
    np.testing.assert_allclose(pd.read_csv(tmp_path / "over_runs.csv")["p"], report.over_runs["p"])
    said = "\n".join(report.lines())
    for scripts in ("the same script", "different scripts"):
        assert f"Relatives of {scripts} are closer than strangers in 3 of 3 runs, by 1.000 on average (one-sided p = 0.125)." in said
    assert (
        "(published, per_layer, raw, layer 1, step 10, all words)" in said and "turn the signs of 3 differences; never below 0.125." in said
    )
    assert re.search(
        r"^ *run +related \(same\) +strangers \(same\) .*\n *run_1 +1.000 +0.000 +0.111 +1.000 +0.000 +0.111$", said, flags=re.M
    )


def test_published_and_gauged_signatures_stand_apart(tmp_path):
    run = write_run(tmp_path / "run", lambda place: (by_family(RIGHT), by_script()))
    table = pd.DataFrame(compare_run(run))
    assert (table.loc[table["signature"] == PUBLISHED, "difference"] == 1).all()
    assert (table.loc[table["signature"] == GAUGED, "difference"] == 0).all()


def test_one_kind_of_pairs_alone_does_not_do(tmp_path):
    """Relatives of one script alike, and none else."""
    alone = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    report = compare(tmp_path, [write_run(tmp_path / "run", lambda place: (alone, alone))])
    primary = report.over_runs[report.over_runs["primary"]].set_index("scripts")
    assert primary.loc[SAME, "difference"] == 1 and primary.loc[DIFFERENT, "difference"] == 0 and not report.holds


def test_the_script_fails_where_relatives_are_not_closer(tmp_path):
    folders = [write_run(tmp_path / "run_1", right), write_run(tmp_path / "run_2", lambda place: (by_script(), by_script()), seed=2)]
    for given, status in ((folders[:1], 0), (folders[1:], 1)):
        command = [sys.executable, PROJECT / "scripts" / "compare_relatives.py", "--results", *given]
        ended = subprocess.run([*command, "--runs", tmp_path / "a.csv", "--over-runs", tmp_path / "b.csv"], capture_output=True, text=True)
        assert ended.returncode == status and (tmp_path / "a.csv").is_file()
        assert ended.stderr.startswith("error: related languages' signatures are not closer") == bool(status)


def test_runs_that_cannot_be_compared_are_named(tmp_path):
    one = write_run(tmp_path / "one", right)
    with pytest.raises(XlprobeError, match=r"again: is of the same world as .*one, and counts for nothing beside it; give it another"):
        compare(tmp_path, [one, write_run(tmp_path / "again", right)])
    with pytest.raises(XlprobeError, match=r"none: holds no run of an invented world; name the folder of one that is finished"):
        compare(tmp_path, [one, tmp_path / "none"])
    with pytest.raises(XlprobeError, match=f"found {MOST_RUNS + 1} runs, expected 1 to {MOST_RUNS}"):
        compare(tmp_path, [one] * (MOST_RUNS + 1))
    other = write_run(tmp_path / "other", right, seed=2, steps=[5])
    with pytest.raises(XlprobeError, match=r"not all runs have what is decided on \(category part_of_speech, .*layer 1, step 10\)"):
        compare(tmp_path, [one, other])
    empty = write_run(tmp_path / "empty", right, seed=3, steps=[10], layers=[0])
    write_rows([], "signatures.schema.yaml", empty / "metrics" / "signatures.parquet")
    with pytest.raises(XlprobeError, match=r"signatures\.parquet: holds no signatures"):
        compare(tmp_path, [empty])
    assert not (tmp_path / "runs.csv").exists()


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (["qaa", "qab", "qac", "qbc"], "relatives of different scripts"),
        (["qaa", "qab", "qac"], "strangers of the same script"),
        (["qaa", "qac", "qba", "qbc"], "relatives of the same script"),
        (["qaa", "qab", "qbc"], "relatives of different scripts"),
    ],
)
def test_a_kind_of_pairs_that_is_missing_is_named(tmp_path, left, said):
    relations = {code: RELATIONS[code] for code in left}
    if left == ["qaa", "qab", "qac", "qbc"]:
        relations["qac"] = Relation("arvic", "latin")
    vectors = by_family(RIGHT, relations)
    run = write_run(tmp_path / "run", lambda place: (vectors, vectors), relations=relations)
    with pytest.raises(XlprobeError, match=f"there are no {said}; compare more languages"):
        list(compare_run(run))


def test_relations_are_read_of_a_world_alone(tmp_path):
    run = write_run(tmp_path / "run", right, world={code: RELATIONS[code] for code in ("qaa", "qab")})
    assert read_relations(run / "sources" / "factors" / "languages.tsv") == {code: RELATIONS[code] for code in ("qaa", "qab")}
    with pytest.raises(XlprobeError, match="qac is no language of the run's world"):
        list(compare_run(run))
    path = run / "sources" / "factors" / "languages.tsv"
    write_text(path, "code\tname\n")
    with pytest.raises(XlprobeError, match=r"languages\.tsv:1: found .*, expected code, name, family, script, corpus_bytes, with tabs"):
        read_relations(path)
    path.unlink()
    with pytest.raises(XlprobeError, match=r"languages\.tsv: no such file; relatives are known of invented worlds"):
        read_relations(path)
