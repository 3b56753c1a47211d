"""The measures that claims name, by paper, and how their arguments are read: `task=pos; setting=in language; share=0.98`."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from xlprobe.claims import correlated, counts, layers, levels, losses, times, transfer
from xlprobe.claims.finding import Finding
from xlprobe.claims.signature_counts import (
    category_sets,
    compared,
    compared_layers,
    diverse_set,
    families,
    left_by_fit,
    of_method,
    related_sets,
    text_amounts,
)
from xlprobe.claims.signature_levels import (
    decreasing_languages,
    different_trends,
    languages_tested,
    languages_without_fall,
    rare_categories,
    standing,
    trend_of_mean,
    turn_of_spread,
)
from xlprobe.claims.signature_relations import (
    correlation_with,
    falling_correlations,
    negative_categories,
    rising_correlations,
    variance_tests,
)
from xlprobe.claims.signature_tasks import (
    highest_at_last_layer,
    lead_of_last_layer,
    least_over_layers,
    model_in_front,
    printed_table,
    strength,
    task_correlation,
)
from xlprobe.claims.signature_trees import (
    better_tree_of_categories,
    far_languages,
    groups_in_tree,
    tree_agreement,
    trees_over_layers,
)
from xlprobe.claims.signature_variants import (
    alike_in_published,
    closer_if_romanised,
    correlation_of_published,
    cut_languages,
    gain_of_sampling,
    low_resource_change,
    support_of_relatives,
    trend_of_published,
    writing_system,
)

Measure = Callable[..., list[Finding]]


def _by_name(measures: Iterable[Measure]) -> dict[str, Measure]:
    return {measure.__name__: measure for measure in measures}


MEASURES = _by_name(
    (
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
)
# Paper 2's, of signatures; the second verdict asks them again.
SIGNATURE_MEASURES = _by_name(
    (
        *(trend_of_mean, different_trends, languages_tested),
        *(decreasing_languages, languages_without_fall, turn_of_spread),
        *(standing,),
        *(correlation_with, falling_correlations, rising_correlations),
        *(negative_categories, variance_tests),
        *(closer_if_romanised, writing_system, low_resource_change),
        *(support_of_relatives, gain_of_sampling, trend_of_published),
        *(correlation_of_published, alike_in_published),
        *(tree_agreement, better_tree_of_categories, groups_in_tree),
        *(trees_over_layers, far_languages),
        *(task_correlation, printed_table, strength, model_in_front),
        *(highest_at_last_layer, least_over_layers, lead_of_last_layer),
    )
)
# Paper 2's, of words, text and settings, which are not asked again.
SETTING_MEASURES = _by_name(
    (
        *(compared, compared_layers, left_by_fit, of_method),
        *(text_amounts, related_sets, diverse_set, families),
        *(category_sets, rare_categories, cut_languages),
        *(counts.configured, counts.machine, counts.not_measurable),
    )
)


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
