import pytest

from xlprobe import tasks
from xlprobe.artifacts.dataset_folder import read_pairs, read_words
from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.treebank import write_dataset
from xlprobe.errors import ConfigError
from xlprobe.paths import PROJECT
from xlprobe.probes.examples import read_examples
from xlprobe.study.config_schema import schema
from xlprobe.tasks.declaration import load_probe_task, load_task

# The dogs that barked slept. / Run !
DOGS = [
    ("The", "DET", "Definite=Def", 2, "det"),
    ("dogs", "NOUN", "Number=Plur|Number[psor]=Sing", 5, "nsubj"),
    ("that", "PRON", "Number[psor]=Sing", 4, "nsubj"),
    ("barked", "VERB", "_", 2, "acl:relcl"),
    ("slept", "VERB", "Mood=Ind|Number=Plur", 0, "root"),
]
RUN = [("Run", "VERB", "Number=Sing", 0, "root"), ("!", "PUNCT", "_", 1, "punct")]


@pytest.fixture
def dataset(tmp_path):
    train, test = (
        Sentence(str(len(rows)), "", [Word(form, 0, 0, upos, feats, head, deprel) for form, upos, feats, head, deprel in rows])
        for rows in (DOGS, RUN)
    )
    write_dataset({"train": [train], "test": [test]}, tmp_path / "xx_own", "xx_own", "en")
    return tmp_path / "xx_own"


def test_versions_are_raised_on_purpose_alone():
    """Probes of another version are refused: a new version's scores mean something else than those of finished probes."""
    names = {path.stem for path in (PROJECT / "scripts" / "xlprobe" / "tasks").glob("[a-z]*.py")} - {"declaration"}
    versions = {name: load_task(name).version for name in names}
    assert versions == {
        "alignment": 1, "arc_classification": 1, "arc_classification_subtypes": 1, "arc_prediction": 1, "bpc": 2, "number": 1, "pos": 1,
        "xnli": 1,
    }  # fmt: skip


def labels(dataset, task):
    """The labels of a task by the forms of its words."""
    examples = read_examples(dataset, load_probe_task(task))
    forms = ["form", "head_form"] if "head_form" in examples else "form"
    return examples.set_index(forms)["label"].to_dict()


def test_words_are_tagged(dataset):
    examples = read_examples(dataset, load_probe_task("pos"))
    words = read_words(dataset)
    assert list(examples.columns) == ["split", "sentence", "label", "word", "form"]
    assert (examples["label"] == words["upos"]).all() and examples["word"].tolist() == list(range(7))
    assert examples["split"].tolist() == ["train"] * 5 + ["test"] * 2


def test_words_without_number_are_no_examples(dataset):
    assert labels(dataset, "number") == {"dogs": "Plur", "slept": "Plur", "Run": "Sing"}


def test_arcs_are_as_many_as_their_negatives(dataset):
    examples = read_examples(dataset, load_probe_task("arc_prediction"))
    # The arc of the sentence of two words has no negative, and is none of them.
    assert len(examples) == 8 and set(examples["split"]) == {"train"}
    arcs, others = (examples[examples["label"] == label] for label in ("arc", "no arc"))
    assert list(zip(arcs["form"], arcs["head_form"], strict=True)) == [
        ("The", "dogs"),
        ("dogs", "slept"),
        ("that", "barked"),
        ("barked", "dogs"),
    ]
    assert others["word"].tolist() == arcs["word"].tolist()
    assert others["head"].tolist() == read_pairs(dataset)["negative"].dropna().tolist()


def test_relations_are_universal_and_with_subtypes_where_asked_for(dataset):
    universal, full = (labels(dataset, f"arc_classification{subtypes}") for subtypes in ("", "_subtypes"))
    assert universal == full | {("barked", "dogs"): "acl"} and full["barked", "dogs"] == "acl:relcl"
    assert universal["!", "Run"] == "punct" and len(full) == 5


def test_every_declared_task_can_be_named_in_the_configuration():
    declared = {path.stem for path in (PROJECT / "scripts" / "xlprobe" / "tasks").glob("*.py")} - {
        "__init__",
        "declaration",
        "alignment",
        "bpc",
    }
    assert all(load_probe_task(name).name == name for name in declared)
    # Those on sentences by their languages.
    of_treebanks = {name for name in declared if load_probe_task(name).data != "sentence_pairs"}
    assert set(schema()["properties"]["probes"]["properties"]["tasks"]["items"]["enum"]) == of_treebanks
    assert declared - of_treebanks == {"xnli"} <= schema()["properties"].keys()


def test_what_is_no_task_or_no_probes_is_refused():
    with pytest.raises(ConfigError, match="unknown task 'declaration'"):
        load_task("declaration")
    with pytest.raises(ConfigError, match="unknown task 'nothing'"):
        load_task("nothing")
    with pytest.raises(ConfigError, match="'alignment' labels nothing, so that no probe can be trained for it; take it out"):
        load_probe_task("alignment")


def test_a_fault_in_a_tasks_module_is_no_unknown_task(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(tmp_path)])
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(ModuleNotFoundError, match="nothing_of_that_name"):
        load_task("broken")
