import copy
import re
from collections.abc import Iterator
from datetime import date

import pytest
import yaml

from xlprobe.errors import ConfigError
from xlprobe.paths import PROJECT, SCHEMAS
from xlprobe.study import config, config_schema, inventory
from xlprobe.study.catalogue import are_comparable
from xlprobe.study.measured import probe_tasks, tasks_of
from xlprobe.study.plan import Study
from xlprobe.study.resource_tables import languages, treebanks
from xlprobe.study.runs import runs, steps

BASE = {"experiment": "test", "languages": ["en", "de"], "models": {"m": {"steps": [0, 10], "pretrain": {}}}, "treebanks": ["en_ewt"]}
# Beside a model of all languages one of Finnish alone.
FINNISH = {"steps": [0], "pretrain": {"languages": ["fi"]}}
ENGLISH = {"steps": [0], "pretrain": {"languages": ["en"]}}
GERMAN = {"steps": [0], "pretrain": {"languages": ["de"]}}
TREEBANKS = ["en_ewt", "en_pud", "fi_tdt", "de_pud"]
TWO_MODELS = BASE | {
    "languages": ["en", "de", "fi"],
    "models": BASE["models"] | {"n": FINNISH},
    "treebanks": ["en_ewt", "en_pud", "fi_tdt"],
    "alignments": ["align_en_fr"],
}
# Of which a model is pretrained on the first alone.
ENGLISH_ALONE = BASE | {"languages": ["en", "tr"], "models": {"m": ENGLISH}}
SHIPPED = [PROJECT / "config.yaml", *sorted((PROJECT / "config").glob("*.yaml"))]


def stopped_early(validate_every: int) -> dict:
    """A model with early stopping."""
    training = {"updates": 20, "warmup_updates": 2, "early_stopping": {"validate_every": validate_every, "patience": 2}}
    return {"steps": [{"from": 20, "to": 20, "every": 5}], "pretrain": {"training": training}}


def changed(path: str, value: object) -> dict:
    result = copy.deepcopy(BASE)
    *parents, last = path.split(".")
    place = result
    for key in parents:
        place = place.setdefault(key, {})
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return result


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("langauges", ["en"], r"config key langauges: unknown; did you mean 'languages'\?"),
        ("probes.epcohs", 3, r"config key probes.epcohs: unknown; did you mean 'epochs'\?"),
        # As it was called, and as models' lists of seeds still are.
        ("probes.seeds", 5, r"config key probes.seeds: unknown; did you mean 'n_seeds'\?"),
        ("models.m.pretrain.training.lr", 1, r"config key models.m.pretrain.training.lr: unknown"),
        ("models.m.steps", ..., r"config key models.m.steps: missing"),
        ("experiment", ..., r"config key experiment: missing"),
        ("models.a b", {"steps": [1]}, r"config key models.a b: a name may hold"),
        ("probes.n_seeds", "3", r"config key probes.n_seeds: found '3', expected a whole number"),
        ("corpus", None, r"config key corpus: found null, expected a group of keys; give keys below it, or take it out"),
        ("features.device", "gpu", r"config key features.device: found 'gpu', expected one of auto, cpu, cuda"),
        ("features.precision", "fp16", r"config key features.precision: found 'fp16', expected one of float32, bfloat16, float16"),
        ("models.m.steps", [0, "x"], r"config key models.m.steps.1: found 'x', expected a step"),
        ("probes.n_seeds", 0, r"config key probes.n_seeds: 0 is less than the minimum"),
        (
            "languages",
            ["en", "xx"],
            r"config key languages.1: unknown language 'xx' \(codes are those of resources/languages.tsv\); .* \(30 of 116\)$",
        ),
        (
            "treebanks",
            ["en_etw"],
            r"config key treebanks.0: unknown treebank 'en_etw' \(.* those of resources/treebanks.tsv\); did you mean 'en_ewt'",
        ),
        ("models.m.pretrain.languages", ["fr"], r"config key models.m.pretrain.languages.0: 'fr' is not among the run's languages"),
        (
            "models.m.steps",
            [2_000_000],
            r"config key models.m.steps: step 2000000 lies beyond .*pretrain.training.updates = 1500000",
        ),
        ("models.m.steps", [{"from": 5, "to": 1, "every": 1}], r"config key models.m.steps: no step"),
        (
            "models.m.pretrain.architecture.heads",
            7,
            r"config key models.m.pretrain.architecture.heads: 7 heads do not divide hidden_size = 768; change one",
        ),
        (
            "models.m.pretrain.training.tokens_per_sample",
            600,
            r".*training.tokens_per_sample: 600 tokens do not fit architecture.max_tokens = 512; lower it, or raise",
        ),
        (
            "models.m.pretrain.execution.processes",
            3,
            r".*training.batch_size: 1024 samples cannot be shared by 3",
        ),
        ("models.m.pretrain.training.warmup_updates", 10**9, r"config key models.m.pretrain.training.warmup_updates: .* more than"),
        ("models.m.pretrain", {"training": {"fp16": True}, "execution": {"device": "cpu"}}, r"config key models.m.pretrain.training.fp16"),
        ("models.m.pretrain.training.early_stopping", {"patience": 2}, r"config key .*training.early_stopping.validate_every: missing"),
        (
            "models.m.pretrain.training.early_stopping",
            {"validate_every": 10, "patience": 2},
            r"config key models.m.steps: a model that is measured over steps has no early stopping; write steps: \[1500000\], its",
        ),
        (
            "models.m",
            stopped_early(validate_every=21),
            r"config key models.m.pretrain.training.early_stopping.validate_every: 21 is more than training.updates = 20; lower it",
        ),
        ("treebanks", ["en_pud"], r"config key treebanks: names no treebank with a train set"),
        (
            "alignments",
            ["align_en_rf"],
            r"config key alignments.0: unknown alignment set 'align_en_rf' \(.* resources/alignments.tsv\); did you mean 'align_en_fr'",
        ),
        ("alignment.method", "mwmf", r"config key alignment.method: found 'mwmf', expected one of itermax, argmax, match"),
        ("alignment.unit", "subword", r"config key alignment.unit: found 'subword', expected one of word, bpe"),
        ("alignment.distortion", 1.5, r"config key alignment.distortion: 1.5 is greater than the maximum of 1"),
        ("models.m.pretrain.training.learning_rate", "3e-3", r".*found '3e-3', expected a number; YAML reads 3e-3 as text: write 0.003"),
        (
            "models.m.pretrain.training.adam_betas",
            [0.9],
            r".*adam_betas: holds 1 entries, expected at least 2$",
        ),
        (
            "languages",
            [False],
            r"config key languages.0: found false, expected text; YAML reads no, off and false as false: put it",
        ),
        (
            "alignments",
            ["align_fr_en"],
            r"config key alignments.0: unknown alignment set 'align_fr_en' \(.*\); did you mean 'align_en_fr'\?",
        ),
        ("data.ud", 2.18, r"config key data.ud: found 2.18, expected text; YAML reads it as a number: put it in quotes"),
        ("data.ud", "v2.18", r"config key data.ud: found 'v2.18', expected a release's number"),
        ("data.ud", "2.1", r"config key treebanks.0: 'en_ewt' is a name of UD 2.2 and later, but data.ud is 2.1; change one"),
        ("treebanks", ["en"], r"config key treebanks.0: 'en' is a name of UD 2.1, but data.ud is 2.18"),
        ("corpus.source", "oscar", r"config key corpus.source: found 'oscar', expected one of cc100, conll2017"),
        ("xnli", ["en", "xx"], r"config key xnli.1: unknown language 'xx'"),
        ("xnli", ["en", "zh"], r"config key xnli.1: unknown language 'zh' \(codes are .*\); did you mean 'zh-Hans'\?"),
        (
            "bpc.languages",
            ["en", "fr"],
            r"config key bpc.languages.1: 'fr' is not among the run's languages, nor of a parallel .* known here: en, de",
        ),
        ("bpc.leave_out", ["n"], r"config key bpc.leave_out.0: 'n' is not among the run's models; "),
        ("bpc.protocol", "blocks", r"config key bpc.protocol: found 'blocks', expected one of lines, fairseq"),
        ("bpc.protocol", "fairseq", r"config key bpc.protocol: found 'fairseq', which takes held-out text, but no language of bpc.lang"),
        ("bpc.mask_share", 1, r"config key bpc.mask_share: 1 is greater than or equal to the maximum of 1"),
        (
            "languages",
            [None],
            r"config key languages.0: found null, expected text; YAML reads ~, null and an empty place as null",
        ),
        ("languages", "en", r"config key languages: found 'en', expected a list; write \[en\]$"),
        ("treebanks", ["en_ewt", "en_ewt"], r"config key treebanks: names 'en_ewt' twice; keep one of the two"),
        ("treebanks", [1_000], r"config key treebanks.0: found 1000, expected text; YAML reads it as a number: put it in quotes"),
        ("treebanks", [date(2020, 1, 1)], r"config key treebanks.0: found 2020-01-01, expected text; YAML reads it as a date: put it in"),
        ("experiment", 2024, r"config key experiment: found 2024, expected text; YAML reads it as a number: put it in quotes"),
        ("experiment", 1.0, r"config key experiment: found 1.0, expected text; YAML reads it as a number: put it in quotes"),
        ("experiment", "a\n", r"config key experiment: found 'a\\n', which holds the character U\+000A; take it out"),
        ("data.root", "a\0", r"config key data.root: found 'a\\x00', which holds the character U\+0000"),
        ("tokenizer.model", True, r"config key tokenizer.model: found true, expected text or null; YAML reads yes, on and true as true"),
        ("features.device", False, r"config key features.device: found false, expected one of auto, cpu, cuda$"),
        ("features.keep", "True", r"config key features.keep: found 'True', expected true or false; write true, without quotes"),
        ("models", {3: {}}, r"config key models.3: YAML reads it as a number; put the name in quotes"),
        ("models", {False: {}}, r"config key models.false: YAML reads no, off and false as false; put the name in quotes"),
        ("probes", {"leave_out": {None: ["en_ewt"]}}, r"config key probes.leave_out.null: YAML reads ~, null and an empty place as null"),
        ("sweeps", [{"layers": [1], date(2020, 1, 1): 1}], r"config key sweeps.0.2020-01-01: YAML reads it as a date; put the name in"),
        ("probes.learning_rate", float("nan"), r"config key probes.learning_rate: found nan, which no key takes; write"),
        ("models.m.pretrain.training.clip_norm", float("inf"), r"config key models.m.pretrain.training.clip_norm: found inf, which"),
        ("probes.n_seeds", 10**30, r"config key probes.n_seeds: found a number above 2\^63; write a smaller one"),
        ("probes.n_seeds", 3.0, r"config key probes.n_seeds: found 3.0, expected a whole number; write 3$"),
        ("probes.n_seeds", "1e3", r"config key probes.n_seeds: found '1e3', expected a whole number; YAML reads 1e3 as text: write 1000"),
        ("probes.n_seeds", True, r"config key probes.n_seeds: found true, expected a whole number"),
        ("models.m.steps", [1.0e3], r"config key models.m.steps.0: found 1000.0, expected a step \(a whole number\) or .*; write 1000$"),
        (
            "models.m.steps",
            [{"from": 0, "to": 1.0e3, "every": 10}],
            r"config key models.m.steps.0.to: found 1000.0, expected a whole number; write 1000$",
        ),
        ("models.m.steps", [{"from": 0, "to": 9}], r"config key models.m.steps.0.every: missing"),
        (
            "models.m.steps",
            [{"from": 0, "to": 10**12, "every": 1}],
            r".*steps: asks for 1,000,000,000,001 steps, more than 10,000; raise",
        ),
        ("features.layers", [0, 13], r"config key features.layers: layer 13 .* models.m has layers 0 to 12"),
    ],
)
def test_faults_end_in_one_sentence_that_names_the_key(path, value, message):
    with pytest.raises(ConfigError, match="^" + message) as caught:
        config.complete(changed(path, value))
    assert "\n" not in str(caught.value)


def test_early_stopping_is_off_unless_it_is_asked_for_and_takes_one_step():
    assert config.complete(BASE)["models"]["m"]["pretrain"]["training"]["early_stopping"] is None
    training = config.complete(changed("models.m", stopped_early(validate_every=20)))["models"]["m"]["pretrain"]["training"]
    assert training["early_stopping"] == {"validate_every": 20, "patience": 2}


NO_NUMBERS = [float("nan"), float("inf"), -float("inf"), True, 10**19, "1", [1], -(10**12)]


def numbers(rule: dict, place: tuple = ()) -> Iterator[tuple[tuple, dict]]:
    """The keys of a schema that take a number, or a list of them; `m` and `qaa` stand for names of the user's choice."""
    for name, below in rule.get("properties", {}).items():
        yield from numbers(below, (*place, name))
    for pattern, below in rule.get("patternProperties", {}).items():
        yield from numbers(below, (*place, "qaa" if "q[a-t]" in pattern else "m"))
    if found := {"integer", "number"} & {*([rule["type"]] if isinstance(rule.get("type"), str) else rule.get("type", []))}:
        yield place, rule | {"type": found.pop()}
    for below in [rule["items"], *rule["items"].get("anyOf", [])] if "items" in rule else []:
        yield from numbers(below, (*place, 0))


def placed(place: tuple, value: object, into: object) -> object:
    """A copy of `into` that has a value at a place below it; 0 stands for a list of two."""
    if not place:
        return value
    first, *rest = place
    if first == 0:
        ranges = {"from": 0, "to": 1, "every": 1}
        return [placed(tuple(rest), value, ranges if {*rest} & {*ranges} else {}), 0.5]
    whole = {
        "early_stopping": {"validate_every": 1, "patience": 1},
        "signatures": {"variants": {"main": {"multilingual": "m", "monolingual": ["m"]}}},
    }
    return into | {first: placed(tuple(rest), value, into.get(first, whole.get(first, {})))}


def test_no_key_takes_what_is_no_number_or_has_no_bound():
    found = [*numbers(config_schema.schema())]
    assert len(found) > 70
    # What is only a cap makes nothing grow.
    caps = (
        "max_bytes",
        "max_documents",
        "max_sequences",
        "valid_sequences",
        "valid_max_documents",
        "warmup_updates",
        "max_sentences",
        "max_inference_pairs",
        "max_lines",
    )
    for place, rule in found:
        most = rule.get("maximum", rule.get("exclusiveMaximum"))
        assert most or place[-1] in caps, place
        wrong = [*NO_NUMBERS, *([1.0] if rule["type"] == "integer" else []), *([2 * most] if most else [])]
        for value in wrong:
            with pytest.raises(ConfigError, match=rf"^config key {re.escape('.'.join(map(str, place)))}: "):
                config.complete(placed(place, value, BASE | {"world": WORLD} if place[0] == "world" else BASE))


def test_what_is_written_for_a_number_is_read_as_one():
    """Else the next run is refused for the same reason."""
    for text in ("1e-7", "3e-4", "1e15", "2.5E3", "1e-07"):
        with pytest.raises(ConfigError, match=r"; YAML reads .* as text: write (.*)$") as caught:
            config.complete(changed("probes.learning_rate", text))
        assert yaml.safe_load(str(caught.value).rpartition("write ")[2]) == float(text)
    with pytest.raises(ConfigError, match=r"expected a number$"):
        config.complete(changed("probes.learning_rate", "1e400"))


def test_checkpoints_are_bounded_before_they_are_listed():
    ranges = [{"from": n, "to": 10**12, "every": 10**9} for n in range(9)]
    assert len(steps(config.complete(suite("huggingface", folder="{step}", steps=ranges))["models"]["m"])) == 9001
    with pytest.raises(ConfigError, match=r"^config key models.m.steps: asks for 11,001 steps, more than 10,000; raise `every`, or name"):
        config.complete(suite("huggingface", folder="{step}", steps=[*ranges, *({**one, "from": one["from"] + 9} for one in ranges[:2])]))
    many = suite("huggingface", folder="{step}_{seed}", steps=ranges, seeds=[*range(12)])
    with pytest.raises(ConfigError, match=r"^config key models: steps and seeds ask for more than 100,000 checkpoints; name fewer"):
        config.complete(many)
    with pytest.raises(ConfigError, match=r"^config key languages: holds 20,000 entries, more than 10,000; name fewer$"):
        config.complete(changed("languages", ["en"] * 20_000))


def test_names_end_where_they_end_and_messages_are_short():
    # `$` lets a line break follow.
    assert not re.search(r"\$(:|$)", (SCHEMAS / "config.schema.yaml").read_text(), flags=re.M)
    long = "x" * 101
    for run in (changed("experiment", long), changed(f"models.{long}", {"steps": [1], "pretrain": {}}), changed("experiment", "a" * 10**5)):
        with pytest.raises(ConfigError) as caught:
            config.complete(run)
        assert "up to 100 letters" in str(caught.value) and len(str(caught.value)) < 400


def test_a_model_of_which_nothing_is_measured_is_refused():
    run = BASE | {"bpc": {"languages": ["en"], "leave_out": ["m"]}}
    assert config.complete(run)["bpc"]["max_lines"] == 2000
    with pytest.raises(
        ConfigError, match=r"^config key bpc.leave_out: this run measures nothing else, so nothing is left for 'm'; take it out of models"
    ):
        config.complete(run | {"probes": {"tasks": []}})


WORLD = {"languages": {"qaa": {"name": "Arva", "parent": "arvic"}, "qab": {"name": "Arvel", "parent": "qaa"}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qaa": {"parent": "qaa"}}, r"languages.qaa.parent: 'qaa' is its own ancestor; name a proto-language"),
        ({"qaa": {"parent": "qab"}}, r"languages.qaa.parent: 'qaa' is its own ancestor"),
        ({"qab": {"parent": "qac"}}, r"languages.qab.parent: there is no language 'qac'; did you mean 'qa[ab]'\?"),
        (
            {"qab": {"name": "ARVA"}},
            r"languages.qab.name: 'ARVA' is also the name of qaa, and folders are named after languages; choose another",
        ),
        ({"qab": {"parent": "Arva"}}, r"languages.qab.parent: found 'Arva', expected a language's code, or small letters"),
        ({"qab": {"name": "Älva"}}, r"languages.qab.name: found 'Älva', expected a capital and up to 99 letters from A to Z"),
        (
            {"qaa": {"contractions": "articles"}},
            r"languages.qaa.contractions: here no adposition stands before an article; set articles and head_direction",
        ),
        ({"qaa": {"corpus_size": 0.001}}, r"languages.qaa.corpus_size: 2 documents are too few to hold out every 1000th"),
        ({"qaa": {"word_order": "SVX"}}, r"languages.qaa.word_order: found 'SVX', expected one of SVO, SOV"),
        ({"en": {"name": "English", "parent": "x"}}, r"languages.en: codes of invented languages are qaa to qtz"),
    ],
)
def test_faults_in_a_world_name_the_key(change, message):
    world = copy.deepcopy(WORLD)
    for code, keys in change.items():
        world["languages"].setdefault(code, {}).update(keys)
    run = BASE | {"world": world, "languages": ["qaa"], "treebanks": ["qaa_world"]}
    with pytest.raises(ConfigError, match="^config key world." + message) as caught:
        config.complete(run)
    assert "\n" not in str(caught.value)


def test_a_world_takes_the_place_of_data():
    run = BASE | {"world": WORLD, "languages": ["qaa"], "treebanks": ["qab_world", "qab_pud"], "alignments": ["align_qaa_qab"]}
    completed = config.complete(run)
    assert inventory.languages(completed)["qab"].family == "arvic"
    with pytest.raises(ConfigError, match=r"^config key data.root: a run with a `world` reads no data"):
        config.complete(run | {"data": {"root": "/somewhere"}})
    with pytest.raises(ConfigError, match=r"^config key languages.0: unknown language 'en' \(codes are those of `world`\)"):
        config.complete(run | {"languages": ["en"]})
    with pytest.raises(
        ConfigError, match=r"^config key alignments.0: unknown alignment set 'align_qab_qaa' \(sets are those of `world`\); did you mean"
    ):
        config.complete(run | {"alignments": ["align_qab_qaa"]})
    assert config.complete(run | {"xnli": ["qab"]})["xnli"] == ["qab"]
    without = WORLD | {"pairs": {"dev": 0}}
    with pytest.raises(ConfigError, match=r"^config key xnli: needs pairs, but world.pairs.dev is 0; raise it, or leave xnli empty"):
        config.complete(run | {"xnli": ["qab"], "world": without})
    with pytest.raises(ConfigError, match=r"^config key world.languages: is empty; name at least one"):
        config.complete(run | {"world": {"languages": {}}})


def test_the_conll_2017_texts_lack_languages_and_worlds():
    run = BASE | {"corpus": {"source": "conll2017"}}
    assert config.complete(run)["corpus"]["source"] == "conll2017"
    with pytest.raises(ConfigError, match=r"^config key languages.1: the CoNLL 2017 raw texts have no Swahili \(sw\); leave it out"):
        config.complete(run | {"languages": ["en", "sw"]})
    with pytest.raises(ConfigError, match=r"^config key corpus.source: found 'conll2017', but a world writes its text as CC100 does"):
        config.complete(run | {"world": WORLD, "languages": ["qaa"], "treebanks": ["qaa_world"]})


def test_defaults_are_filled_in_and_the_input_is_left_alone():
    given = copy.deepcopy(BASE)
    completed = config.complete(given)
    assert given == BASE
    assert completed["models"]["m"]["pretrain"]["architecture"]["hidden_size"] == 768
    assert completed["probes"] == {
        "tasks": ["pos", "arc_prediction", "arc_classification"],
        "protocol": "paper",
        "converged": {"inverse_strengths": [0.001, 0.01, 0.1, 1, 10], "tolerance": 1e-5, "iterations": 1000},
        "n_seeds": 5,
        "learning_rate": 1e-3,
        "batch_size": 256,
        "epochs": 50,
        "patience": 3,
        "shared_order": False,
        "common_seeds": False,
        "converged_on": None,
        "leave_out": {},
        "together": False,
        "control_tasks": [],
        "description_lengths": [],
        "device": "auto",
    }
    assert completed["transfer"] == {"sources": "parallel", "shared_labels": False, "predictions": False}
    assert completed["alignment"] == {"method": "itermax", "unit": "word", "distortion": 0.0} and completed["world"] is None
    assert config.complete(completed) == completed


@pytest.mark.parametrize(
    ("probes", "message"),
    [
        ({"tasks": ["pos"], "control_tasks": ["number"]}, "probes.control_tasks: 'number' is not among probes.tasks; add it there, or"),
        ({"tasks": ["pos"], "description_lengths": ["number"]}, "probes.description_lengths: 'number' is not among probes.tasks"),
        ({"description_lengths": ["xnli"]}, "probes.description_lengths: found 'xnli', but no language is named under xnli; name them"),
        ({"tasks": ["pos", "xnli"]}, "probes.tasks.1: found 'xnli', which is no task on treebanks; name its languages under xnli"),
        ({"leave_out": {"number": ["en_ewt"]}}, "probes.leave_out: 'number' is not among probes.tasks"),
        (
            {"converged_on": ["en_etw"]},
            "probes.converged_on.0: found 'en_etw', on which no probes are trained here; did you mean 'en_ewt'?",
        ),
        ({"tasks": ["pos"], "converged_on": ["en_ewt", "en_pud"]}, "probes.converged_on.1: found 'en_pud', on which no probes are trained"),
        ({"converged_on": "swept"}, "probes.converged_on: found 'swept', expected a list or null; write [swept]"),
        ({"leave_out": {"pos": ["ja_gsd"]}}, "probes.leave_out.pos: 'ja_gsd' is not among treebanks; take it out"),
        (
            {"leave_out": {"pos": BASE["treebanks"]}},
            "probes.leave_out.pos: leaves out every treebank with a train set; take one out of it, or take the task",
        ),
    ],
)
def test_what_tasks_are_given_must_fit_the_tasks_and_treebanks(probes, message):
    with pytest.raises(ConfigError, match=f"^config key {re.escape(message)}"):
        config.complete(BASE | {"probes": probes})


def test_xnli_is_measured_where_its_languages_are_named():
    completed = config.complete(BASE | {"xnli": ["en", "zh-Hans"], "probes": {"description_lengths": ["xnli"]}})
    sets = {name: dataset for name, dataset in inventory.probed(completed).items() if name not in completed["treebanks"]}
    assert list(sets) == ["xnli_en", "xnli_en_test", "xnli_zh", "xnli_zh_test"]
    assert [dataset.test_only for dataset in sets.values()] == [False, True] * 2
    assert (sets["xnli_zh"].language, sets["xnli_zh"].xnli_language) == ("zh-Hans", "zh")
    assert {*map(tuple, (tasks_of(completed, name) for name in sets))} == {("xnli",)}
    assert "xnli" not in tasks_of(completed, "en_ewt") and "xnli" not in probe_tasks(config.complete(BASE))
    nli_alone = {"xnli": ["en"], "treebanks": [], "probes": {"tasks": []}, "bpc": {"languages": ["en"], "leave_out": ["m"]}}
    assert config.complete(BASE | nli_alone)["bpc"]["leave_out"] == ["m"]
    for key, value, why in (
        ("control_tasks", ["xnli"], "a control task is one of word forms"),
        ("leave_out", {"xnli": ["xnli_en"]}, "its languages are those of xnli"),
    ):
        with pytest.raises(ConfigError, match=f"^config key probes.{key}: found 'xnli', but {why}; take it out"):
            config.complete(BASE | {"xnli": ["en"], "probes": {key: value}})
    with pytest.raises(ConfigError, match=r"^config key sweeps: xnli is measured at layers \[3\] on xnli_en and \[4\] on xnli_en_test"):
        config.complete(
            BASE | {"xnli": ["en"], "sweeps": [{"datasets": [name], "layers": [n]} for name, n in (("xnli_en", 3), ("xnli_en_test", 4))]}
        )


def test_a_test_set_that_no_probe_is_to_be_tried_on_is_refused():
    """By default probes are transferred from languages that have a test set alone, of which there may be none."""
    message = r"^config key transfer.sources: found 'parallel', but none of the datasets that pos is probed on in m has a test set of"
    with pytest.raises(ConfigError, match=message + r" its own language beside de_pud; name one under treebanks, or set the key to all$"):
        config.complete(BASE | {"treebanks": ["en_ewt", "fi_tdt", "de_pud"]})
    # One that is there, but not for the task, is none.
    lacking = {"treebanks": ["en_ewt", "en_pud", "de_pud"], "probes": {"leave_out": {"pos": ["en_pud"]}}}
    with pytest.raises(ConfigError, match=message):
        config.complete(BASE | lacking)
    for given in ({"transfer": {"sources": "all"}, "treebanks": ["en_ewt", "de_pud"]}, {"treebanks": ["en_ewt", "en_pud", "de_pud"]}):
        config.complete(BASE | given)
    # What is not transferred needs no layer in common.
    sweeps = [{"datasets": ["fi_tdt"], "layers": [1]}, {"datasets": ["en_pud"], "layers": [2]}, {"datasets": ["en_ewt"], "layers": [1, 2]}]
    given = BASE | {"treebanks": ["en_ewt", "fi_tdt", "en_pud"], "sweeps": sweeps}
    config.complete(given)
    with pytest.raises(ConfigError, match=r"^config key sweeps: pos is measured at layers \[1\] on fi_tdt and \[2\] on en_pud"):
        config.complete(given | {"transfer": {"sources": "all"}})


def test_sets_as_published_stand_beside_those_in_one_form():
    completed = config.complete(BASE | {"xnli": ["en", "zh-Hans"], "datasets": {"nli_published": ["zh-Hans"]}})
    sets = {name: dataset for name, dataset in inventory.probed(completed).items() if name not in completed["treebanks"]}
    own = ["xnli_en", "xnli_en_test", "xnli_zh", "xnli_zh_test"]
    assert list(sets) == [*own, "xnli_zh_published", "xnli_zh_published_test"] and [sets[name].published for name in sets] == [
        *[False] * 4, True, True
    ]  # fmt: skip
    assert {*map(tuple, (tasks_of(completed, name) for name in sets))} == {("xnli",)}
    transferred = {(one, other) for one in sets for other in sets if are_comparable(sets[one], sets[other])}
    assert ("xnli_en", "xnli_zh_published_test") not in transferred and ("xnli_zh_published", "xnli_zh_published_test") in transferred
    # So these two need no layer in common.
    layers = [{"datasets": [name], "layers": [n]} for n, name in enumerate(["xnli_zh_published", "xnli_zh_published_test"], 3)]
    with pytest.raises(ConfigError, match=r"^config key sweeps: .* \[3\] on xnli_zh_published and \[4\] on xnli_zh_published_test"):
        config.complete(BASE | {"xnli": ["zh-Hans"], "datasets": {"nli_published": ["zh-Hans"]}, "sweeps": layers})
    alike = [{"datasets": [*own], "layers": [5]}, *({**sweep, "layers": [3]} for sweep in layers)]
    config.complete(BASE | {"xnli": ["en", "zh-Hans"], "datasets": {"nli_published": ["zh-Hans"]}, "sweeps": alike})


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ({"nli_text": "tokenised"}, "nli_text: found 'tokenised', expected one of published, tokenized, raw, null"),
        ({"nli_published": ["zh"]}, "nli_published.0: 'zh' is not among the languages under xnli; did you mean 'zh-Hans'?"),
        ({"nli_published": ["th"]}, "nli_published.0: 'th' is not among the languages under xnli; known here: en, zh-Hans"),
        (
            {"nli_published": ["en"], "nli_text": "published"},
            "nli_published: adds nothing, because datasets.nli_text is published, so all sets are measured as published; take it out",
        ),
        (
            {"nli_files": {"train-zh-Hans": "raw"}},
            "nli_files.train-zh-Hans: names no file of a language under xnli; did you mean 'train-zh'",
        ),
        ({"nli_files": {"valid": "raw"}}, "nli_files.valid: expected a split (train, dev, test) or a file without its ending (train-en)"),
        ({"nli_files": {"dev": "moses"}}, "nli_files.dev: found 'moses', expected one of raw, tokenized"),
    ],
)
def test_forms_of_text_name_what_there_is(datasets, message):
    with pytest.raises(ConfigError, match=f"^config key datasets.{re.escape(message)}"):
        config.complete(BASE | {"xnli": ["en", "zh-Hans"], "datasets": datasets})


def test_a_worlds_pairs_are_raw():
    run = BASE | {"world": WORLD, "languages": ["qaa"], "treebanks": ["qaa_world"], "xnli": ["qaa"]}
    for form in ("raw", "published", None):
        assert config.complete(run | {"datasets": {"nli_text": form}})["datasets"]["nli_text"] == form
    with pytest.raises(ConfigError, match=r"^config key datasets.nli_text: found 'tokenized', but a world's pairs are raw; set it to raw"):
        config.complete(run | {"datasets": {"nli_text": "tokenized"}})
    for key, value in (("nli_files", {"train": "raw"}), ("nli_published", ["qaa"])):
        with pytest.raises(
            ConfigError,
            match=f"^config key datasets.{key}: is about XNLI's published files, but a run with a `world` makes its own pairs; take",
        ):
            config.complete(run | {"datasets": {key: value}})


@pytest.mark.parametrize(
    ("sweeps", "message"),
    [
        ([{"layers": [0, 13]}], "sweeps.0.layers: layer 13 is asked for, but models.m"),
        ([{"layers": None}, {"tasks": ["bpc"], "layers": [1]}], "sweeps.1.tasks: 'bpc' is not measured in this run"),
        ([{"datasets": ["en_ewd"], "layers": [1]}], "sweeps.0.datasets: 'en_ewd' is not measured in this run; did you mean 'en_ewt'?"),
        (
            [{"tasks": ["alignment"], "datasets": ["en_ewt"], "layers": [1]}],
            "sweeps.0: none of its tasks is measured on one of its datasets",
        ),
        ([{"models": ["mm"], "layers": [1]}], "sweeps.0.models: 'mm' is not measured in this run; did you mean 'm'?"),
        (
            [{"models": ["n"], "datasets": ["en_pud", "align_en_fr"], "layers": [1]}],
            "sweeps.0: none of its tasks is measured on one of its datasets of one of its models; correct it",
        ),
        # Nothing is trained that could be tried on it.
        (
            [{"models": ["p"], "layers": [1]}],
            "sweeps.0: none of its tasks is measured on one of its datasets of one of its models; correct it",
        ),
        ([{"models": ["n"], "layers": [13]}], "sweeps.0.layers: layer 13 is asked for, but models.n"),
        ([{"tasks": ["pos"]}], "sweeps.0.layers: missing; it has no default"),
        (
            [{"layers": [1]}, {"tasks": ["pos"], "datasets": ["en_pud"], "layers": [2, 3]}],
            "sweeps: pos is measured at layers [1] on en_ewt and [2, 3] on en_pud, so that no probe can be transferred",
        ),
    ],
)
def test_a_sweep_names_what_is_measured(sweeps, message):
    with pytest.raises(ConfigError, match=f"^config key {re.escape(message)}"):
        config.complete(TWO_MODELS | {"models": TWO_MODELS["models"] | {"p": GERMAN}, "treebanks": TREEBANKS, "sweeps": sweeps})


@pytest.mark.parametrize(("key", "name"), [("tasks", "bpc"), ("datasets", "de")])
def test_bits_per_character_have_no_layers(key, name):
    sweeps = [{key: [name], "layers": [1]}]
    with pytest.raises(
        ConfigError, match=f"^config key sweeps.0.{key}: found '{name}', but bits per character have no layers; take it out"
    ):
        config.complete(TWO_MODELS | {"bpc": {"languages": ["de"]}, "sweeps": sweeps})


def test_a_sweep_may_go_deeper_than_models_on_which_it_measures_nothing():
    shallow = {"steps": [0], "pretrain": FINNISH["pretrain"] | {"architecture": {"layers": 4}}}
    given = TWO_MODELS | {"models": BASE["models"] | {"n": shallow}}
    for sweep in ({"datasets": ["en_ewt", "en_pud"]}, {"tasks": ["alignment"]}, {"models": ["m"]}):
        config.complete(given | {"sweeps": [sweep | {"layers": [8]}]})
    for section in ({"sweeps": [{"datasets": ["en_ewt", "fi_tdt"], "layers": [8]}]}, {"features": {"layers": [8]}}):
        with pytest.raises(ConfigError, match=r"layers: layer 8 is asked for, but models.n has layers 0 to 4; name one of these$"):
            config.complete(given | section)


@pytest.mark.parametrize(
    ("measurements", "message"),
    [
        ([{}, {"models": ["other"]}], "measurements.1.models: 'other' is not measured in this run; known here: m, n"),
        ([{"tasks": ["arcs"]}], "measurements.0.tasks: 'arcs' is not measured in this run; "),
        ([{"tasks": ["bpc"]}], "measurements.0.tasks: 'bpc' is not measured in this run; "),
        ([{"datasets": ["en_pub"]}], "measurements.0.datasets: 'en_pub' is not measured in this run; did you mean 'en_pud'?"),
        ([{"datasets": ["fi"]}], "measurements.0.datasets: 'fi' is not measured in this run; "),
        ([{"model": ["m"]}], "measurements.0.model: unknown; did you mean 'models'?"),
        ([{"models": []}], "measurements.0.models: is empty; name at least one"),
    ],
)
def test_measurements_name_what_there_is(measurements, message):
    with pytest.raises(ConfigError, match=f"^config key {re.escape(message)}"):
        config.complete(TWO_MODELS | {"measurements": measurements})


def test_what_is_not_measured_of_a_model_needs_no_layer_in_common():
    sweeps = [{"datasets": ["fi_tdt", "en_pud"], "layers": [2]}, {"datasets": ["fi_tdt"], "layers": [1]}]
    given = TWO_MODELS | {"models": {"n": FINNISH, "o": ENGLISH}, "alignments": [], "sweeps": sweeps, "transfer": {"sources": "all"}}
    config.complete(given)
    with pytest.raises(ConfigError, match=r"^config key sweeps: pos is measured at layers \[1\] on fi_tdt and \[2\] on en_pud"):
        config.complete(given | {"measurements": [{"models": ["n"], "datasets": ["en_pud"]}]})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"treebanks": ["en_ewt", "tr_imst"]},
            "treebanks.1: no model is measured on 'tr_imst', because none is pretrained on tr; add tr to",
        ),
        # The Chinese treebank is in traditional characters.
        (
            {
                "languages": ["en", "zh-Hans"],
                "models": {"m": {"steps": [0], "pretrain": {"languages": ["zh-Hans"]}}},
                "treebanks": ["zh_gsd"],
            },
            "treebanks.0: no model is measured on 'zh_gsd', because none is pretrained on zh-Hant; add zh-Hant to a model's"
            " pretrain.languages, name 'zh_gsd' under measurements, or take it out",
        ),
        (
            {"models": {"m": ENGLISH, "n": {"steps": [0], "pretrain": {"languages": ["tr"]}}}, "alignments": ["align_en_fr"]},
            "alignments.0: no model is measured on 'align_en_fr', because none is pretrained on en and fr; add",
        ),
        (
            {"xnli": ["en", "tr"]},
            "xnli.1: no model is measured on 'tr', because none is pretrained on tr; add tr to a model's pretrain.languages,"
            " name 'xnli_tr' under measurements, or take it out",
        ),
        (
            {"bpc": {"languages": ["tr"]}},
            "bpc.languages.0: no model is measured on 'tr', because none is pretrained on tr; add tr to a model's",
        ),
        (
            {
                "xnli": ["en", "tr"],
                "datasets": {"nli_published": ["tr"]},
                "measurements": [{"datasets": ["xnli_tr"]}],
            },
            "datasets.nli_published.0: no model is measured on 'tr', because none is pretrained on tr; add tr to a model's"
            " pretrain.languages, name 'xnli_tr_published' under",
        ),
    ],
)
def test_what_lies_in_no_models_languages_is_refused(given, message):
    with pytest.raises(ConfigError, match=f"^config key {re.escape(message)}") as caught:
        config.complete(ENGLISH_ALONE | given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"measurements": [{"datasets": ["tr_imst", "tr"]}]},
        {"models": {"m": ENGLISH, "n": {"steps": [0], "huggingface": {"folder": "n"}}}},
        # No task has it.
        {
            "bpc": {"languages": []},
            "probes": {"leave_out": {task: ["tr_imst"] for task in ("pos", "arc_prediction", "arc_classification")}},
        },
        # No probe is tried on it, and the model that knows the language is left out.
        {
            "models": {"m": ENGLISH, "n": {"steps": [0], "pretrain": {"languages": ["tr"]}}},
            "treebanks": ["en_ewt", "tr_pud"],
            "bpc": {"languages": ["tr"], "leave_out": ["n"]},
        },
    ],
)
def test_what_is_not_measured_for_another_reason_stays_allowed(given):
    config.complete(ENGLISH_ALONE | {"treebanks": ["en_ewt", "tr_imst"], "bpc": {"languages": ["tr"]}} | given)


def test_measurements_may_name_bits_and_their_languages():
    bits = TWO_MODELS | {"bpc": {"languages": ["de"]}}
    assert config.complete(bits | {"measurements": [{"models": ["n"], "tasks": ["bpc"]}]})
    completed = config.complete(bits | {"measurements": [{"datasets": ["de"]}]})
    assert completed["measurements"] == [{"models": None, "tasks": None, "datasets": ["de"]}]


@pytest.mark.parametrize(
    ("measurements", "idle"),
    [
        # It is measured on everything.
        ([{"models": ["m"]}], 0),
        # Its own language, and a test set that has not this task.
        ([{}, {"datasets": ["fi_tdt"]}], 1),
        ([{"datasets": ["xnli_en_test"], "tasks": ["pos"]}], 0),
        # There is no probe to try on it.
        ([{"datasets": ["xnli_en_test"]}], 0),
        # Each says what the other does.
        ([{"tasks": ["pos"]}, {"models": ["n"], "tasks": ["pos"]}], 0),
        # No bits are taken of it.
        ([{"tasks": ["bpc"]}], 0),
    ],
)
def test_an_entry_of_measurements_that_adds_nothing_is_refused(measurements, idle):
    given = TWO_MODELS | {"xnli": ["en"], "bpc": {"languages": ["en"], "leave_out": ["n"]}}
    with pytest.raises(ConfigError, match=f"^config key measurements.{idle}: adds nothing, since what it names is measured without it, or"):
        config.complete(given | {"measurements": measurements})


def test_entries_of_measurements_that_need_each_other_are_taken():
    """A test set is measured only where a probe can be tried on it, which another entry may ask for."""
    entries = [{"datasets": ["xnli_en_test"]}, {"datasets": ["xnli_en"]}]
    for measurements in ([{}], entries):
        config.complete(TWO_MODELS | {"xnli": ["en"], "measurements": measurements})


def test_the_last_sweep_that_fits_says_the_layers_and_features_hold_all_that_are_asked_for():
    sweeps = [{"layers": [12]}, {"tasks": ["pos"], "layers": [6, 0]}, {"datasets": ["en_pud"], "layers": None}]
    given = {"treebanks": ["en_ewt", "fi_tdt", "en_pud"], "alignments": ["align_en_fr"], "sweeps": sweeps}
    study = Study(config.complete(BASE | given | {"features": {"layers": [3]}}))
    assert [study.layers("m", task, "en_ewt") for task in ("pos", "arc_prediction")] == [[0, 6], [12]]
    assert study.layers("m", "pos", "en_pud") is None and study.layers("m", "alignment", "align_en_fr") == [12]
    assert study.extracted_layers("m", ["en_ewt"]) == [0, 6, 12] and study.extracted_layers("m", ["en_ewt", "en_pud"]) is None
    assert study.extracted_layers("m", ["align_en_fr"]) == [12]
    left_out = Study(config.complete(BASE | given | {"probes": {"leave_out": {"pos": ["fi_tdt"]}}}))
    assert left_out.extracted_layers("m", ["fi_tdt"]) == [12]
    assert Study(config.complete(BASE)).layers("m", "pos", "en_ewt") is None


def test_paper_1_measures_the_last_layer_and_sweeps_over_a_few_languages():
    """Section 5: arc classification and XNLI in four languages at all layers, their transfer and alignment at every other one."""
    for name in ("paper", "replica"):
        completed = config.complete(yaml.safe_load((PROJECT / "config" / f"{name}.yaml").read_text()))
        study = Study(completed)
        swept = {
            (task, dataset): layers
            for dataset in study.datasets
            for task in tasks_of(completed, dataset)
            if (layers := study.layers("replica", task, dataset)) != [12]
        }
        every_other = list(range(0, 13, 2))
        assert swept == {
            **{("arc_classification", name): None for name in ("cs_pdtc", "en_ewt", "hi_hdtb", "ja_gsd")},
            **{("arc_classification", f"{code}_pud"): every_other for code in ("cs", "en", "hi", "ja")},
            **{("xnli", f"xnli_{code}"): None for code in ("bg", "en", "hi", "zh")},
            **{("xnli", f"xnli_{code}_test"): every_other for code in ("bg", "en", "hi", "zh")},
            **{("alignment", name): every_other for name in completed["alignments"]},
        }


def test_paper_1_schedule_has_39_steps_beside_step_0():
    ranges = [0, {"from": 5_000, "to": 50_000, "every": 5_000}, {"from": 50_000, "to": 1_500_000, "every": 50_000}]
    schedule = steps({"steps": ranges})
    assert len(schedule) == 40
    assert schedule[:3] == [0, 5_000, 10_000] and schedule[9:13] == [45_000, 50_000, 100_000, 150_000] and schedule[-1] == 1_500_000


def suite(section: str, **keys: object) -> dict:
    model = {"steps": keys.pop("steps", [1000, 2000]), "seeds": keys.pop("seeds", None), section: keys}
    return BASE | {"languages": [], "models": {"m": model}}


def test_bits_per_character_of_a_suite_without_text_need_a_parallel_set():
    published = suite("huggingface", folder="/suites/{step}") | {"treebanks": ["en_ewt", "en_pud"], "bpc": {"languages": ["en"]}}
    assert config.complete(published)["bpc"]["languages"] == ["en"]
    with pytest.raises(ConfigError, match=r"^config key bpc.languages.0: 'en' is not among the run's languages, nor of a parallel"):
        config.complete(published | {"treebanks": ["en_ewt"]})


def test_a_causal_model_has_no_bits_fairseqs_way():
    causal = suite("huggingface", folder="/suites/{step}", objective="causal") | {"languages": ["en", "de"]}
    bits = {"bpc": {"languages": ["en"], "protocol": "fairseq"}}
    why = "^config key bpc.protocol: found 'fairseq', which masks subwords, but m is causal; set it to lines, or add m to bpc.leave_out$"
    with pytest.raises(ConfigError, match=why):
        config.complete(causal | bits)
    config.complete(causal | {"bpc": bits["bpc"] | {"leave_out": ["m"]}})


def test_a_models_seeds_are_runs_of_their_own():
    given = suite("huggingface", repository="a/seed_{seed}-step_{thousands}k", revision="v{step}", seeds=[0, 3])
    found = runs(config.complete(given)["models"])
    assert list(found) == ["m/seed_0", "m/seed_3"]
    assert [found["m/seed_3"].place(key, 2000) for key in ("repository", "revision")] == ["a/seed_3-step_2k", "v2000"]
    trained = runs(config.complete(BASE | {"models": {"m": {"steps": [1], "seeds": [4, 5], "pretrain": {}}}})["models"])
    assert [run.settings["training"]["seed"] for run in trained.values()] == [4, 5]


@pytest.mark.parametrize(
    ("section", "keys", "message"),
    [
        ("fairseq", {"checkpoints": "a_{step}.pt"}, "models.m.fairseq.sentencepiece: missing"),
        ("fairseq", {"checkpoints": "a.pt", "sentencepiece": "s"}, "models.m.fairseq: names one checkpoint for all 2 steps; write {step}"),
        (
            "fairseq",
            {"checkpoints": "{stpe}", "sentencepiece": "s"},
            "models.m.fairseq.checkpoints: {stpe} is unknown; {step}",
        ),
        ("fairseq", {"checkpoints": "a{", "sentencepiece": "s"}, "models.m.fairseq.checkpoints: 'a{' holds a single brace"),
        (
            "huggingface",
            {"folder": "{step:999999999d}"},
            "models.m.huggingface.folder: found '{step:999999999d}', expected {step}",
        ),
        ("huggingface", {"folder": "{step:{step}}"}, "models.m.huggingface.folder: found '{step:{step}}', expected {step}, or {step:07d}"),
        ("huggingface", {"folder": "{step!r}"}, "models.m.huggingface.folder: found '{step!r}', expected {step}, or {step:07d} for"),
        ("huggingface", {"revision": "{step}"}, "models.m.huggingface: give one of repository .* and folder"),
        ("huggingface", {"folder": "a/{step}", "repository": "a/b"}, "models.m.huggingface: give one of"),
        ("huggingface", {"folder": "{step}", "revision": "step{step}"}, "models.m.huggingface.revision: a folder has no revision"),
        ("huggingface", {"repository": "https://huggingface.co/a/b{step}"}, "models.m.huggingface.repository: found 'https://hug"),
        ("huggingface", {}, "models.m.huggingface: give one of repository"),
        ("huggingface", {"folder": "{thousands}k", "steps": [1500]}, "models.m.steps: step 1500 is no multiple of 1000"),
        ("huggingface", {"folder": "{step}", "seeds": [1]}, "models.m.seeds: models.m.huggingface holds no {seed}; give both or neither"),
        ("huggingface", {"folder": "{step}_{seed}"}, "models.m.seeds: {seed} stands in models.m.huggingface, but there are none"),
        ("huggingface", {"folder": "{step}", "objective": "both"}, "models.m.huggingface.objective: found 'both', expected one of auto"),
        ("nothing", {}, "models.m.nothing: unknown"),
    ],
)
def test_faults_in_a_suite_name_the_key(section, keys, message):
    with pytest.raises(ConfigError, match="^config key " + message) as caught:
        config.complete(suite(section, **keys))
    assert "\n" not in str(caught.value)


def test_a_model_says_once_where_its_checkpoints_come_from():
    with pytest.raises(ConfigError, match=r"^config key models.m: says nothing of where its checkpoints come from; give one of pretrain"):
        config.complete(BASE | {"models": {"m": {"steps": [1]}}})
    with pytest.raises(ConfigError, match=r"^config key models.m: says both pretrain and huggingface of where"):
        config.complete(BASE | {"models": {"m": {"steps": [1], "pretrain": {}, "huggingface": {"folder": "a"}}}})
    with pytest.raises(ConfigError, match=r"^config key languages: is empty, but models.m is to be pretrained"):
        config.complete(BASE | {"languages": []})


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_configurations_are_valid(path):
    completed = config.complete(yaml.safe_load(path.read_text()))
    assert completed["experiment"]


def absent(rule: dict, given: list[dict], place: str = "") -> Iterator[str]:
    """The keys of a schema that none of the groups of keys has; `*` stands for a name of the user's choice."""
    for name, below in rule.get("properties", {}).items():
        if values := [group[name] for group in given if name in group]:
            groups = [value for value in values if isinstance(value, dict)]
            # null stands for all keys of a group.
            yield from absent(below, groups, f"{place}{name}.") if groups or None not in values else ()
        else:
            yield place + name
    for below in rule.get("patternProperties", {}).values():
        yield from absent(below, [value for group in given for value in group.values()], f"{place}*.")


def test_the_demo_has_every_key():
    # A model comes from one of three places; the demo's is pretrained.
    demo = yaml.safe_load((PROJECT / "config.yaml").read_text())
    assert [*absent(config_schema.schema(), [demo])] == ["models.*.fairseq", "models.*.huggingface"]


def test_shipped_configurations_make_different_experiments():
    names = [yaml.safe_load(path.read_text())["experiment"] for path in SHIPPED]
    assert len(set(names)) == len(names)


def test_every_treebank_is_of_a_language_that_is_not_a_romanised_corpus():
    for treebank in treebanks().values():
        assert not languages()[treebank.language].romanised_from, treebank
