"""What is refused of text variants, in one sentence each."""

import pytest

from xlprobe.errors import ConfigError
from xlprobe.study.config import complete


def config(variants, text=None):
    model = {"steps": [0], "pretrain": {"text": text}}
    run = {"experiment": "test", "languages": ["en", "ja", "zh-Hant"], "models": {"m": model}, "treebanks": ["en_ewt"]}
    return run | {"corpus": {"variants": variants}}


CAPPED = {"max_sequences": 5}


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ({"equal": {**CAPPED, "from": "tenth"}, "tent": CAPPED}, r"equal.from: there is no variant 'tenth'; did you mean 'tent'\?"),
        (
            {"a": {**CAPPED, "from": "b"}, "b": {**CAPPED, "from": "c"}, "c": {**CAPPED, "from": "b"}},
            r"a.from: 'b' is drawn from itself; set",
        ),
        ({"a": {**CAPPED, "from": "a"}}, r"a.from: 'a' is drawn from itself; set this key to null in one of them"),
        ({"a": {**CAPPED, "max_bytes": 7}}, r"a: says both max_sequences and max_bytes; give one of max_sequences, max_documents, max_byt"),
        ({"a": {"share": 0.5, "max_documents": 7}}, r"a: says both max_documents and share; give one of"),
        ({"a": {**CAPPED, "romanise": True, "languages": ["ja"]}}, r"a: says both max_sequences and romanise; draw the text as a variant"),
        (
            {"a": {"from": "b"}, "b": CAPPED},
            r"a: leaves the text as it is; give one of max_sequences, .*, share or romanise, or take it out",
        ),
        ({"a": {"draw": "start", "seed": 3}}, r"a: leaves the text as it is"),
        (
            {"a": {**CAPPED, "languages": ["en", "fi"]}},
            r"a.languages.1: 'fi' is not among the run's languages; known here: en, ja, zh-Hant",
        ),
        ({"a": {"romanise": True}}, r"a.romanise: no system romanises 'en'; take it out, or name languages of zh, ja"),
        ({"en": CAPPED}, r"en: is also the code of a language of the run, and texts' folders bear both; choose another name"),
        ({"a": {"share": 0}}, r"a.share: "),
        ({"a": {"share": 1.5}}, r"a.share: "),
        ({"a": {"max_sequences": 0}}, r"a.max_sequences: "),
        ({"a": {"max_sequences": "least"}}, r"a.max_sequences: found 'least', expected smallest, or a whole number"),
        ({"a": {"max_sequences": 1.5}}, r"a.max_sequences: found 1.5, expected a whole number or text or null"),
        ({"a": {**CAPPED, "draw": "end"}}, r"a.draw: found 'end', expected one of random, start"),
        ({"a/b": CAPPED}, r"a/b: a name may hold up to 100 letters"),
    ],
)
def test_what_variants_must_not_say(variants, message):
    with pytest.raises(ConfigError, match=rf"^config key corpus\.variants\.{message}"):
        complete(config(variants))


@pytest.mark.parametrize(
    ("variants", "advice"), [({}, "the run has none"), ({"equal": CAPPED}, r"did you mean 'equal'\?")], ids=["none", "one"]
)
def test_a_model_is_trained_on_a_variant_that_there_is(variants, advice):
    with pytest.raises(
        ConfigError, match=rf"^config key models.m.pretrain.text: there is no variant 'equa' under corpus.variants; {advice}$"
    ):
        complete(config(variants, "equa"))


def test_what_variants_may_say():
    variants = {"equal": {"max_sequences": "smallest"}, "latin": {"from": "equal", "languages": ["ja", "zh-Hant"], "romanise": True}}
    variants |= {"whole": {"share": 1}, "many": {"max_sequences": 10**12}, "fr": CAPPED}
    found = complete(config(variants, "latin"))["corpus"]["variants"]
    assert found["equal"]["draw"] == "random" and found["equal"]["seed"] == 1 and found["whole"]["share"] == 1.0
    assert complete(config({}))["corpus"]["variants"] == {} and complete(config({}))["models"]["m"]["pretrain"]["text"] is None
