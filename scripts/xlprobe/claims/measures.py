"""The measures that claims name, and how their arguments are read: `task=pos; setting=in language; share=0.98`."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from xlprobe.claims import correlated, counts, layers, levels, losses, times, transfer
from xlprobe.claims.finding import Finding

Measure = Callable[..., list[Finding]]
MEASURES: dict[str, Measure] = {
    measure.__name__: measure
    for measure in (
        *(levels.range_of_best, levels.relative_range, levels.curves_below, levels.rho_with_bits),
        *(levels.two_model_means, levels.model_differences),
        *(transfer.diagonal_above_row, transfer.lead_in_transfer, transfer.alike_in_transfer, transfer.place_as_source),
        *(transfer.isolation, transfer.target_beyond_source, transfer.as_good_as_at_home, transfer.rank_among_targets),
        *(transfer.mean_asymmetry, transfer.asymmetric_pairs),
        *(times.step_statistic, times.early_share, times.after_step, times.in_paper_order),
        *(times.order_of_groups, times.transfer_order, times.later_in_transfer, times.spread_over_pairs),
        *(times.neighbouring_checkpoints,),
        *(losses.curves_that_forget, losses.different_best_steps, losses.largest_share_at_one_step, losses.loss_of_some_tasks),
        *(losses.spread_over_targets,),
        *(layers.falls_of_layer, layers.fall_of_layer, layers.fall_of_language, layers.internal_gain),
        *(layers.last_layer_beaten, layers.low_layers),
        *(correlated.correlation, correlated.correlation_range, correlated.significant_tasks, correlated.common_trend),
        *(correlated.between_tasks,),
        *(counts.measured_languages, counts.suite_languages, counts.aligned_pairs, counts.checkpoints),
        *(counts.last_step, counts.spacing, counts.corpora, counts.text_sizes),
        *(counts.configured, counts.model_size, counts.machine, counts.drawn),
        *(counts.not_measurable,),
    )
}


def arguments_of(text: str) -> dict[str, str]:
    """The arguments that a claim names, as text."""
    return {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in text.split(";") if part.strip())}


def read_arguments(measure: Measure, named: Mapping[str, str]) -> dict[str, Any]:
    """The arguments that a measure takes, each as what it says it is: text, a number, or several texts with blanks between.

    Raises:
        ValueError: one is missing, or unknown.
    """
    taken = {name: parameter.annotation for name, parameter in inspect.signature(measure).parameters.items() if name != "run"}
    if taken.keys() != named.keys():
        raise ValueError(f"{measure.__name__} takes {sorted(taken)}, not {sorted(named)}")
    readers: dict[Any, Callable[[str], Any]] = {float: float, int: int, str: str}
    return {name: readers.get(kind, str.split)(named[name]) for name, kind in taken.items()}
