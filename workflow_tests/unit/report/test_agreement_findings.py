"""What is told of signatures and probes over the same steps, of planted curves."""

import pandas as pd
from planted_task_correlations import FACTS
from planted_trajectories import PER_STEP, STEPS, compared, forgetting, scores, signatures

from xlprobe.artifacts.tables import write_table
from xlprobe.metrics.signature_tables import SignatureTables
from xlprobe.report.signature_findings import signature_findings

EARLY, LATE = (0.4, 0.6, 0.96, 0.98, 0.99, 1.0), (0.4, 0.5, 0.6, 0.7, 1.0, 0.9)


def agreement_findings(folder, *tables):
    """What is said of signatures and probes, where there is no other table than that."""
    path = folder / "signature_agreement.parquet"
    write_table(compared(*tables)[1], "signature_agreement.schema.yaml", path)
    return [sentence for sentence in signature_findings(SignatureTables.of_files(FACTS, [path])) if "signatures and probes" in sentence]


def test_agreement_with_probes(tmp_path):
    """Signatures join at 300, 300 and 500; probes learn all at 300; the last signature loses a tenth, the first probes forget."""
    of_signatures = {"de": EARLY, "en": EARLY, "fi": LATE}
    when, forgotten, rho, when_printed, *_ = agreement_findings(
        tmp_path,
        pd.concat([signatures(of_signatures), signatures(dict.fromkeys(of_signatures, EARLY), **PER_STEP)]),
        pd.concat([scores(dict.fromkeys(of_signatures, EARLY)), scores({"de": EARLY}, "arc_prediction")]),
        forgetting({"de": True, "en": False, "fi": False}),
    )
    assert when == (
        "When a language is learned, to a checkpoint, signatures and probes (one standardised fit of all steps; layer 3, 6 steps) agree:"
        " in Arc Pred. on 1 of 1 language; in POS on 2 of 3 languages (2.0 by chance), not on fi."
    )
    # By chance: de meets en and fi, who do not forget; en meets de and fi; fi, which does, meets de and en: 4 of 6.
    assert forgotten == (
        "Whether a language is forgotten, signatures and probes (one standardised fit of all steps; layer 3, 6 steps) agree:"
        " in Arc Pred. not known of any language; in POS on 1 of 3 languages (2.0 by chance), not on de, fi."
    )
    assert "(one standardised fit of all steps; layer 3, 6 steps): median 1.00, 0.94 to 1.00 (n = 4 curves)." in rho and "claim" not in rho
    assert "(per step, raw, as printed; layer 3, 6 steps)" in when_printed and "in POS on 3 of 3 languages (3.0 by chance)." in when_printed


def test_the_order_of_languages_has_its_interval_and_n(tmp_path):
    """Joined at 200, 300, 400, 500, learned at 200, 300, 500, 400: rho = 1 - 6 * 2 / (4 * 15) = .8; 8 of 24 orders reach as much."""
    at = {step: [0.5] * place + [1.0] * (6 - place) for place, step in enumerate(STEPS)}
    when, forgotten, *_ = agreement_findings(
        tmp_path,
        signatures(dict(zip("abcd", (at[step] for step in (200, 300, 400, 500)), strict=True))),
        scores(dict(zip("abcd", (at[step] for step in (200, 300, 500, 400)), strict=True))),
    )
    assert (
        "in POS on 4 of 4 languages (2.0 by chance), rho of the order in which languages are learned 0.80, -0.82 to 1.00 (p = 0.333,"
        in when
    )
    assert when.endswith("n = 4 languages, too few for a claim).") and "not known of any language" in forgotten


def test_so_few_steps_support_no_claim(tmp_path):
    *_, rho = agreement_findings(tmp_path, signatures({"de": EARLY[:3]}, STEPS[:3]), scores({"de": EARLY[:3]}, steps=STEPS[:3]))
    assert "3 steps): median 1.00, 1.00 to 1.00 (n = 1 curve)." in rho and rho.endswith("So few steps support no claim.")


def test_without_probes_nothing_is_said_of_them(tmp_path):
    assert agreement_findings(tmp_path, signatures({"de": EARLY}), scores({"en": EARLY})) == []
    assert not any("probes" in sentence for sentence in signature_findings(SignatureTables.of_files(FACTS, [])))
