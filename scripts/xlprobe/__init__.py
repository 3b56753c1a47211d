"""xlprobe: what a multilingual language model knows, in which language, at which layer, and when it learned it.

A package is a stage; the ground, the first row, lies flat. Imports go to rows above, and never in a circle (a test holds this):

    errors, paths, seeds, progress, suggestions, library_errors, device, command_line, compression, tar_members, files, hdf5_files,
        safetensors_files, torch_files: the ground
    artifacts, tasks, models: what lies in results, read; what is measured, declared; checkpoints, loaded and run
    study: what a run is
    sources, world, corpus, pretraining, checkpoints, datasets, features, statistics: what measurements need
    probes, alignment, bpc, contamination, signatures: measurements
    metrics: scores, tidy tables and curves of them
    figures, tables, claims: what is shown of these, and held against papers
    report: what is told of a whole run
"""

__version__ = "0.1.0"
