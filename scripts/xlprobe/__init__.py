"""xlprobe: what a multilingual language model knows, in which language, at which layer, and when it learned it.

Imports inside the package point one way (a test holds this):

    errors, paths, files, progress, device, command_line, seeds, suggestions   the ground
    splits, checkpoint_names, catalogue, resources, runs, sweeps, config_file, config, code_identity, tables   what a run is
    conll2017, corpus, vocabulary, tokenization, binarization     text for pretraining
    training_version, training_state, fairseq_runtime, fairseq_task, fairseq_training, pretraining   training
    checkpoint_comparison, language_models, canary, checkpoints, fairseq_checkpoints, huggingface_files,
    huggingface_checkpoints, checkpoint_checks                    models
    downloads, archives, hub, sources, origins, source_list, world   where data come from
    treebanks, pairs, bitexts, inference, datasets, windows, feature_file, features   data and their vectors
    tasks, examples, labels, control_tasks, scoring, linear_probe, description_length, probe_file, probes, baselines,
    transfer, alignment, piece_coverage, piece_bits, bits_per_character, contamination   measurements
    metrics, figures                                              results
"""

__version__ = "0.1.0"
