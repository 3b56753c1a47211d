"""Models that a configuration names together: in place of one with `one_for_each` stands one for each of its languages."""

from typing import Any

from xlprobe.errors import ConfigError


def set_apart(config: dict[str, Any]) -> None:
    """Put single models in place of those with `one_for_each`, and their names in place of the group's under `signatures.variants`.

    A configuration without such models, or one that this was done to before, stays as it is.

    Args:
        config: a configuration with its defaults.

    Raises:
        ConfigError: such a model is not pretrained here, names languages twice, or one that it makes has the name of another.
    """
    models, groups = config["models"], dict[str, list[str]]()
    single: dict[str, Any] = {}
    for name, model in models.items():
        codes = model["one_for_each"]
        if codes is None:
            single[name] = model
            continue
        key = f"config key models.{name}"
        if "pretrain" not in model:
            raise ConfigError(f"{key}.one_for_each: only models that are pretrained here are made one for each language; take it out")
        if model["pretrain"]["languages"] is not None:
            raise ConfigError(f"{key}.pretrain.languages: one_for_each says which language each model has; leave one of the two out")
        groups[name] = [f"{name}_{code}" for code in codes]
        for place, (code, made) in enumerate(zip(codes, groups[name], strict=True)):
            if made in models or made in single:
                raise ConfigError(
                    f"{key}.one_for_each.{place}: makes a model {made!r}, and there is another of that name; rename one of them"
                )
            single[made] = model | {"one_for_each": None, "pretrain": model["pretrain"] | {"languages": [code]}}
    config["models"] = single
    for variant in (config["signatures"] or {"variants": {}})["variants"].values():
        variant["monolingual"] = [model for name in variant["monolingual"] for model in groups.get(name, [name])]
