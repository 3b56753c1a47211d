"""The measures that claims name, by paper, and how their arguments are read: `task=pos; setting=in language; share=0.98`."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from xlprobe.claims import (
    correlated,
    counts,
    layers,
    levels,
    losses,
    signature_counts,
    signature_levels,
    signature_relations,
    signature_tasks,
    signature_trees,
    signature_variants,
    times,
    transfer,
)
from xlprobe.claims.finding import Finding

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
        *(signature_levels.trend_of_mean, signature_levels.different_trends, signature_levels.languages_tested),
        *(signature_levels.decreasing_languages, signature_levels.languages_without_fall, signature_levels.turn_of_spread),
        *(signature_levels.standing,),
        *(signature_relations.correlation_with, signature_relations.falling_correlations, signature_relations.rising_correlations),
        *(signature_relations.negative_categories, signature_relations.variance_tests),
        *(signature_variants.closer_if_romanised, signature_variants.writing_system, signature_variants.low_resource_change),
        *(signature_variants.support_of_relatives, signature_variants.gain_of_sampling, signature_variants.trend_of_published),
        *(signature_variants.correlation_of_published, signature_variants.alike_in_published),
        *(signature_trees.tree_agreement, signature_trees.better_tree_of_categories, signature_trees.groups_in_tree),
        *(signature_trees.trees_over_layers, signature_trees.far_languages),
        *(signature_tasks.task_correlation, signature_tasks.printed_table, signature_tasks.strength, signature_tasks.model_in_front),
        *(signature_tasks.highest_at_last_layer, signature_tasks.least_over_layers, signature_tasks.lead_of_last_layer),
    )
)
# Paper 2's, of words, text and settings, which a fit changes nothing of.
SETTING_MEASURES = _by_name(
    (
        *(signature_counts.compared, signature_counts.compared_layers, signature_counts.left_by_fit, signature_counts.of_method),
        *(signature_counts.text_amounts, signature_counts.related_sets, signature_counts.diverse_set, signature_counts.families),
        *(signature_counts.category_sets, signature_levels.rare_categories, signature_variants.cut_languages),
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
