"""Languages of two families in a multilingual model whose signatures are known.

Words have latent values, K independent ones. The multilingual model shows them along directions V that all languages share, each language
with strengths of its own; each monolingual model along directions of its own, without preference. So Omega is U_l diag(strengths) V^T,
and a language's signature its strengths: those of a family are alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from morphology_files import write_morphology, write_vectors

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.signatures.covariances import CovarianceChecks, measure_covariances

FAMILIES = {"qaa": 0, "qab": 0, "qac": 0, "qba": 1, "qbb": 1, "qbc": 1}
LANGUAGES = [*FAMILIES]
LATENTS, WIDTH_OF_ONE, WIDTH_OF_MANY = 3, 5, 6
LAYERS = [0, 1]
# Of each family, the latents' strengths.
STRENGTHS = np.array([[3.0, 1.0, 0.5], [0.5, 1.5, 3.0]])
NO_CASE, LITTLE_CASE = "qac", 23


@dataclass
class PlantedLanguages:
    """Datasets, vectors and covariances in a folder, laid out as `fit_signatures_over_steps` reads them.

    Attributes:
        strengths: of each language, [latents].
    """

    folder: Path
    seed: int = 3
    units: int = 400
    noise: float = 0.02
    steps: Sequence[int] = (10,)
    strengths: dict[str, np.ndarray] = field(default_factory=dict)

    def covariances(self, step: int) -> list[Path]:
        """The files of a step, in the order of LANGUAGES."""
        return [self.folder / "covariances" / "xlmr" / str(step) / f"{language}.h5" for language in LANGUAGES]

    def write(self, checks: CovarianceChecks | None = None) -> "PlantedLanguages":
        """Make all of it; the strengths of a step are those of the last, times the step's share of it."""
        random = np.random.default_rng(self.seed)
        directions_EK = np.linalg.qr(random.standard_normal((WIDTH_OF_MANY, LATENTS)))[0]
        for language, family in FAMILIES.items():
            self.strengths[language] = STRENGTHS[family] * random.uniform(0.75, 1.3, LATENTS)
            latents_UK = _uncorrelated(random.standard_normal((self.units, LATENTS)))
            own_CK = np.linalg.qr(random.standard_normal((WIDTH_OF_ONE, LATENTS)))[0]
            case = [None if language == NO_CASE and unit >= LITTLE_CASE else "NOM" for unit in range(self.units)]
            dataset = write_morphology(self.folder / f"morph_{language}", language, {ALL_WORDS: ["N"] * self.units, "case": case})
            one = latents_UK @ own_CK.T
            of_one = [one + self.noise * random.standard_normal(one.shape) for _ in LAYERS]
            one_file = self.folder / "features" / f"mono_{language}.h5"
            write_vectors(one_file, dataset, np.array(of_one, dtype=np.float32), LAYERS, model=f"mono_{language}")
            for step, path in zip(self.steps, self._of(language), strict=True):
                # The second layer of the multilingual model has all vectors ten times as long.
                many = latents_UK * self.strengths[language] * (step / self.steps[-1]) @ directions_EK.T
                of_many = [scale * (many + self.noise * random.standard_normal(many.shape)) for scale in (1, 10)]
                many_file = self.folder / "features" / f"{step}_{language}.h5"
                write_vectors(many_file, dataset, np.array(of_many, dtype=np.float32), LAYERS, step=step)
                measure_covariances(many_file, one_file, dataset, [ALL_WORDS, "case"], path, checks=checks)
        return self

    def _of(self, language: str) -> list[Path]:
        return [self.covariances(step)[LANGUAGES.index(language)] for step in self.steps]


def _uncorrelated(latents_UK: np.ndarray) -> np.ndarray:
    """With means of 0, variances of 1 and no correlations, exactly."""
    uncorrelated_UK: np.ndarray = np.linalg.qr(latents_UK - latents_UK.mean(0))[0] * len(latents_UK) ** 0.5
    return uncorrelated_UK
