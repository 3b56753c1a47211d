"""xlprobe: what a multilingual language model knows, in which language, at which layer, and when it learned it.

Imports inside the package point one way (a test holds this):

    errors, files, progress, device            the ground
    resources, config, code_identity           what a run is
    corpus, tokenization, binarization         text for pretraining
    fairseq_runtime, pretraining, checkpoints  models
    treebanks, datasets, features, feature_file  data and their vectors
    tasks, probes, baselines                   measurements
    metrics, figures                           results
"""

__version__ = "0.1.0"
