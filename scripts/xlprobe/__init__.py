"""xlprobe: what a multilingual language model knows, in which language, at which layer, and when it learned it.

Imports inside the package point one way (a test holds this):

    errors, paths, compression, tar_members, files, progress, device, command_line, seeds, library_errors, suggestions   the ground
    splits, checkpoint_names, catalogue, resources, runs, sweeps, config_file, config, code_identity, dropped,
    tables, choices, tasks, study                                 what a run is
    conll2017, corpus, vocabulary, sentencepiece_normalization, tokenization, binarization   text for pretraining
    training_version, training_identity, trained_text, training_records, torch_files, training_state, fairseq_runtime, fairseq_models,
    fairseq_task, fairseq_training, pretraining                                 training
    checkpoint_comparison, huggingface_files, safetensors_files, stored_weights, saved_constants, language_models, model_trials, canary,
    source_tokenizers, checkpoints, fairseq_checkpoints, huggingface_checkpoints, checkpoint_checks   models
    downloads, archives, hub, sources, origins, outside_files, source_list, world   where data come from
    treebanks, pairs, bitexts, inference, inference_forms, datasets, windows, hdf5_files, vector_storage, feature_file,
    features, source_files                                        data and their vectors
    examples, labels, control_tasks, scoring, linear_probe, converged_probe, description_length, probe_training,
    probe_file, probes, inference_baselines, baselines, transfer, alignment, piece_coverage, piece_bits,
    bits_per_character, contamination                             measurements
    metrics, probe_training_summary, figures, result_checks       results
"""

__version__ = "0.1.0"
