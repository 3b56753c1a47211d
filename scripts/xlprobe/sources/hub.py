"""Checkpoints from the Hugging Face hub: the files that are read of a repository at a revision, each verified.

The hub tells which commit a revision is, and each file's digest there. The commit is recorded in the lock file at the first
download, so that a revision that moves later is seen.
"""

import glob
import hashlib
import logging
import re
import shutil
import time
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import HTTPError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import ModelInfo, RepoSibling
from huggingface_hub.utils import build_hf_headers

from xlprobe.errors import XlprobeError, first_sentence
from xlprobe.models.huggingface_files import wanted_files
from xlprobe.sources.downloads import BUSY, MAX_ATTEMPTS, MAX_WAIT, TIMEOUTS, Upstream, download, match_lock

# Of a name that is none (HFValidationError), and of an answer that describes no repository.
NO_DESCRIPTION = (ValueError, TypeError, KeyError, AttributeError)
# Each request would be a line on the terminal.
logging.getLogger("httpx2").setLevel(logging.WARNING)


def fetch_repository(repository: str, revision: str, output: Path, lock: Path, key: str, backoff: float = 1.0) -> None:
    """Fetch a checkpoint's files into the folder `output`, which appears once it is whole; a killed fetch goes on later.

    Args:
        key: the model's in the configuration (`models.pythia`), for messages.

    Raises:
        XlprobeError: there is no such repository or revision, it is gated, holds no checkpoint, is another commit than the
            lock file says, or a file is not the one that the hub describes.
    """
    place = f"{repository}, revision {revision}, on the Hugging Face hub"
    found = _ask(repository, revision, place, key, backoff)
    files = {sibling.rfilename: sibling for sibling in found.siblings or []}
    wanted = sorted(wanted_files({*files}, place))
    commit = str(found.sha)
    if not re.fullmatch("[0-9a-f]{40}", commit):
        raise XlprobeError(
            f"{place}: the hub names no commit (it says {commit[:100]!r}); look at HF_ENDPOINT in the environment, or ask again later"
        )
    # Whichever mirror is asked: the commit is the same.
    match_lock(f"https://huggingface.co/{repository}/tree/{revision}", commit, sum(files[name].size or 0 for name in wanted), lock)
    # Beside the output, which Snakemake deletes when a job is killed; of one commit, which names all its content.
    partial = output.with_name(f"{output.name}.{commit[:12]}.partial")
    # What came of the commits before this one.
    for other in {*output.parent.glob(f"{glob.escape(output.name)}.{'?' * 12}.partial")} - {partial}:
        shutil.rmtree(other, ignore_errors=True)
    for name in wanted:
        if not (partial / name).exists():
            _fetch(repository, commit, files[name], partial / name, backoff)
    # There already where a job was killed between this and its end.
    shutil.rmtree(output, ignore_errors=True)
    partial.replace(output)


def _ask(repository: str, revision: str, place: str, key: str, backoff: float) -> ModelInfo:
    """What the hub says of a repository at a revision; asked again while it is busy."""
    for attempt in range(MAX_ATTEMPTS):
        try:
            return HfApi().model_info(repository, revision=revision, timeout=max(TIMEOUTS), files_metadata=True)
        except RevisionNotFoundError:
            advice = f"look at config keys {key}.huggingface.revision and {key}.steps"
            raise XlprobeError(f"{place}: there is no such revision; {advice}") from None
        except RepositoryNotFoundError:
            advice = f"look at config key {key}.huggingface.repository, or set HF_TOKEN if it is gated or private"
            raise XlprobeError(f"{place}: there is no such repository, or you may not read it; {advice}") from None
        except (HTTPError, OSError, *NO_DESCRIPTION) as error:
            status = getattr(getattr(error, "response", None), "status_code", None)
            if attempt == MAX_ATTEMPTS - 1 or isinstance(error, NO_DESCRIPTION) or (status is not None and status not in BUSY):
                advice = f"look at config key {key}.huggingface.repository and at HF_ENDPOINT in the environment, or run again later"
                raise XlprobeError(f"{place}: the hub could not be asked ({first_sentence(error)}); {advice}") from None
            logging.warning("%s: busy or out of reach; asking again", place)
            time.sleep(min(MAX_WAIT, backoff * 2**attempt))
    raise AssertionError


def _fetch(repository: str, commit: str, file: RepoSibling, output: Path, backoff: float) -> None:
    address = hf_hub_url(repository, file.rfilename, revision=commit)
    advice = "; run again, or look at the repository's page"
    # A commit's files never change.
    upstream = Upstream(address, file.lfs.sha256 if file.lfs else "", headers=build_hf_headers(), advice=advice, size=file.size or 0)
    download(upstream, output, lock=None, backoff=backoff)
    if not file.lfs and _git_digest(output) != file.blob_id:
        output.unlink()
        raise XlprobeError(f"{address}: is not the file that the hub describes; fetch it again")


def _git_digest(file: Path) -> str:
    """What git calls a file's content."""
    content = file.read_bytes()
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()
