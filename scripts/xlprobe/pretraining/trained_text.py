"""Which files of a run's training are there, and whether tokenizer and text are still those that it was trained with.

Apart from xlprobe.pretraining.training_records, so that another version of the training code compares no finished model's text again.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from xlprobe.artifacts.binarized_text import folders_by_language
from xlprobe.artifacts.training_identity import NUMBER, Identity, identity_of, text_identity
from xlprobe.errors import ResumeError
from xlprobe.files import write_json


def recorded_steps(checkpoints: Path) -> list[int]:
    """The steps that have a record in a run's folder of checkpoints, whether its schedule has them or not."""
    folders = (path.parent.name for path in checkpoints.glob("*/training.json"))
    return sorted(int(name) for name in folders if re.fullmatch(NUMBER, name))


def check_text(state: Path, checkpoints: Path, model: str, dictionary: Path, binarized: Path, texts: Sequence[str], output: Path) -> None:
    """Write the digests of a run's tokenizer and text to `output`, unless the model was trained with others.

    Args:
        state: the folder of the training state.
        checkpoints: the folder with a folder a step, of which one at least has a record.
        model: the run, as paths name it.
        dictionary: fairseq's `dict.txt`.
        binarized: folder with a folder a text.
        texts: those to compare, by name; none compares the tokenizer alone.

    Raises:
        ResumeError: the sentence names what differs.
    """
    languages = folders_by_language(binarized, texts)
    now = text_identity(dictionary, languages)
    # When Snakemake started, all were of one training.
    trained = identity_of(checkpoints / str(recorded_steps(checkpoints)[-1]) / "training.json", state)
    compared = {
        "dictionary_sha256": trained["dictionary_sha256"],
        "text_sha256": {language: trained["text_sha256"].get(language) for language in languages},
    }
    if changes := differences(compared, now):
        raise ResumeError(
            f"{checkpoints}: model {model!r} was trained with something else than this run now has ({'; '.join(changes)}); nothing of"
            " the model was touched: set back what made it (corpus, languages, tokenizer and data in the configuration, the files in"
            f" sources/), give the changed model another name, or train it anew after {removal(all_folders(state, checkpoints))}"
        )
    write_json(output, now)


def all_folders(state: Path, checkpoints: Path) -> list[str]:
    """What there is of a run's training, as `rm -r` takes it in bash: its state, and every step that has a record."""
    return [str(state)] * state.exists() + step_folders(checkpoints, recorded_steps(checkpoints))


def step_folders(checkpoints: Path, steps: Sequence[int]) -> list[str]:
    """The folders of some steps, as one word of bash where there are any."""
    numbers = ",".join(map(str, steps))
    return [f"{checkpoints}/{{{numbers}}}" if len(steps) > 1 else f"{checkpoints}/{numbers}"] if steps else []


def removal(folders: Iterable[str]) -> str:
    """The command that deletes folders."""
    return f"`rm -r {' '.join(folders)}`"


def differences(old: Identity, new: Identity) -> list[str]:
    """What differs between two identities, in words."""
    found = []
    for key in ("training_version", "dictionary_sha256"):
        if old.get(key) != new.get(key):
            found.append("the tokenizer" if key == "dictionary_sha256" else f"{key}: {old[key]} -> {new[key]}")
    for section in ("architecture", "training"):
        before, after = old.get(section, {}), new.get(section, {})
        found += [
            f"{section}.{key}: {before.get(key, 'unset')} -> {after.get(key, 'unset')}"
            for key in sorted({*before, *after})
            if before.get(key) != after.get(key)
        ]
    before, after = old["text_sha256"], new["text_sha256"]
    for word, languages in (("without", {*before} - {*after}), ("with", {*after} - {*before})):
        found += [f"languages: {word} {', '.join(sorted(languages))}"] if languages else []
    changed = sorted(language for language in {*before} & {*after} if before[language] != after[language])
    return found + ([f"the text of {', '.join(changed)}"] if changed else [])
