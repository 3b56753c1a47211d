"""Which texts a run has, which it makes, and of what."""

import pytest
from conftest import tiny_configuration

from xlprobe.study.config import complete
from xlprobe.study.plan import Study

VARIANTS = {
    "equal": {"max_sequences": "smallest"},
    "tenth": {"from": "equal", "languages": ["fi"], "share": 0.1},
    "latin": {"from": "tenth", "languages": ["ja", "zh-Hant"], "romanise": True},
    "capped": {"max_sequences": 5000, "draw": "start", "languages": ["fi", "ja"]},
    "unused": {"from": "capped", "max_bytes": 10**6, "seed": 7},
}


def study(*texts, languages=None, **corpus):
    """A run of three languages' with a model on each of some texts."""
    models = {f"m{n}": {"steps": [0], "pretrain": {"text": text, "languages": languages}} for n, text in enumerate(texts)}
    config = {"experiment": "test", "languages": ["fi", "zh-Hant", "ja"], "models": models, "probes": {"tasks": []}}
    return Study(complete(config | {"corpus": {"variants": VARIANTS} | corpus, "treebanks": [], "bpc": {"languages": []}}))


def made(found):
    jobs = found.jobs()
    drawn = {f"{job['variant']}/{job['language']}" for job in jobs.get("draw_text", [])}
    return [job["language"] for job in jobs["clean_corpus"]], drawn, [job["text"] for job in jobs["binarize"]]


def test_a_text_is_the_nearest_variants_that_has_one():
    texts = study(None).texts
    found = {variant: [texts.text_of(variant, code) for code in ("fi", "ja", "zh-Hant")] for variant in (None, *VARIANTS)}
    assert found == {
        None: ["fi", "ja", "zh-Hant"],
        "equal": ["equal/fi", "equal/ja", "equal/zh-Hant"],
        "tenth": ["tenth/fi", "equal/ja", "equal/zh-Hant"],
        "latin": ["tenth/fi", "latin/ja", "latin/zh-Hant"],
        "capped": ["capped/fi", "capped/ja", "zh-Hant"],
        "unused": ["unused/fi", "unused/ja", "unused/zh-Hant"],
    }
    assert texts.parent("latin/ja") == "equal/ja" and texts.parent("tenth/fi") == "equal/fi" and texts.parent("unused/zh-Hant") == "zh-Hant"
    assert texts.parent("ja") is None
    assert len(texts.names) == 3 + 3 + 1 + 2 + 2 + 3 and texts.drawn_languages("nothing") == []


def test_only_what_a_model_is_trained_on_is_made_and_what_that_is_drawn_from():
    every = ["fi", "ja", "zh-Hant"]
    assert made(study(None)) == (every, set(), every)
    cleaned, drawn, binarised = made(study("latin", languages=["ja"]))
    # The smallest of all languages is found though but one is trained on.
    assert (cleaned, drawn, binarised) == (every, {"equal/ja", "latin/ja"}, ["equal/ja", *every[:2], "latin/ja", "zh-Hant"])
    assert made(study("tenth", None))[1:] == ({"equal/fi", "equal/ja", "equal/zh-Hant", "tenth/fi"}, study("tenth", None).binarized_texts)
    assert made(study("capped"))[1:] == ({"capped/fi", "capped/ja"}, ["capped/fi", "capped/ja", *every])


def test_a_model_is_trained_on_its_variants_texts():
    found = study("latin", None, "tenth")
    assert [found.pretraining_texts(run) for run in ("m0", "m1", "m2")] == [
        ["tenth/fi", "latin/ja", "latin/zh-Hant"],
        ["fi", "ja", "zh-Hant"],
        ["tenth/fi", "equal/ja", "equal/zh-Hant"],
    ]
    assert found.pretraining_languages("m0") == ["fi", "ja", "zh-Hant"]


def test_what_the_script_that_draws_is_told():
    texts = study(None, sequence_tokens=128, valid_sequences=9).texts
    assert texts.compared("equal") == ["fi", "ja", "zh-Hant"] and texts.compared("tenth") == texts.compared("capped") == []
    assert texts.arguments("equal", "fi") == ["--order", "random", "--seed", 1, "--sequence-tokens", 128, "--valid-sequences", 9]
    assert texts.arguments("tenth", "fi")[-4:] == ["--share", 0.1, "--valid-sequences", 9]
    assert texts.arguments("capped", "ja")[:4] == ["--max-sequences", 5000, "--order", "start"]
    assert [texts.arguments("latin", code)[2:4] for code in ("ja", "zh-Hant")] == [
        ["--romanise-by", "hepburn"],
        ["--romanise-by", "pinyin"],
    ]
    assert texts.is_romanised("latin") and not texts.is_romanised("equal")
    assert texts.arguments("unused", "fi")[:2] == ["--max-bytes", 10**6]


def test_variants_change_no_job_of_the_run():
    """Nothing is made of one that no model is trained on; of one that some is, nothing else is made otherwise."""
    config = tiny_configuration()
    variants = {"equal": {"max_sequences": "smallest"}, "half": {"from": "equal", "languages": ["qba"], "share": 0.5}}
    beside = complete(config | {"corpus": config["corpus"] | {"variants": variants, "valid_sequences": 3, "sequence_tokens": 64}})
    plain = Study(config)
    assert Study(beside).jobs() == plain.jobs() and Study(beside).settings == plain.settings
    model = config["models"]["xlmr"]
    trained = Study(complete(beside | {"models": config["models"] | {"half": model | {"pretrain": model["pretrain"] | {"text": "half"}}}}))
    for rule, jobs in plain.jobs().items():
        assert all(job in trained.jobs()[rule] for job in jobs), rule
    # Two models are compared.
    assert trained.jobs().keys() - plain.jobs().keys() == {"draw_text", "model_comparisons"}
    assert trained.jobs()["draw_text"] == [
        {"variant": v, "language": code} for v, code in (("equal", "qaa"), ("equal", "qba"), ("half", "qba"))
    ]
    assert trained.jobs()["binarize"] == [{"text": text} for text in ("equal/qaa", "equal/qba", "half/qba", "qaa", "qba")]


@pytest.mark.parametrize("seeds", [None, [1, 2]])
def test_texts_of_trainings_with_seeds(seeds):
    config = {"experiment": "test", "languages": ["fi"], "models": {"m": {"steps": [0], "seeds": seeds, "pretrain": {"text": "equal"}}}}
    found = Study(complete(config | {"corpus": {"variants": {"equal": {"max_sequences": 5}}}, "treebanks": [], "probes": {"tasks": []}}))
    assert {run: found.pretraining_texts(run) for run in found.runs} == {run: ["equal/fi"] for run in found.runs}
